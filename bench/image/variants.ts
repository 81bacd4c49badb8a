import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { basesOf } from "../../scripts/image/base-images.ts";
import { UsageError } from "../../scripts/shell/main.ts";

/** A way to ship the service as an image: a Dockerfile of this folder, or a target of the project's. */
export type Variant = {
  name: string;
  description: string;
  dockerfile: string;
  target?: string;
};

const FOLDER = "bench/image";
const SUFFIX = ".Dockerfile";

/** Build arguments of every Dockerfile here: only package.json pins the version of Bun. */
export const BUILD_ARGUMENTS = { BUN_VERSION: packageJson.packageManager.replace("bun@", "") };

const PROJECT_VARIANTS: Variant[] = [
  {
    name: "standard",
    description: "Compiled, on scratch",
    dockerfile: "Dockerfile",
    target: "standard",
  },
  {
    name: "tiny",
    description: "Compiled, with a launcher, on scratch",
    dockerfile: "Dockerfile",
    target: "tiny",
  },
];

/** `NAME.Dockerfile` of this folder is the variant NAME; its first line is a comment that describes it. */
export function findVariants(): Variant[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(SUFFIX));
  return [...files.sort().map(readVariant), ...PROJECT_VARIANTS];
}

function readVariant(file: string): Variant {
  const dockerfile = join(FOLDER, file);
  const description = /^# *(.+)/.exec(readFileSync(dockerfile, "utf8"))?.[1];
  const name = file.slice(0, -SUFFIX.length);
  return { name, description: description ?? name, dockerfile };
}

/**
 * The variants with these names, or all if there is no name. @throws {UsageError} for an unknown name.
 */
export function chooseVariants(all: readonly Variant[], names: readonly string[]): Variant[] {
  const unknown = names.find((name) => !all.some((variant) => variant.name === name));
  if (unknown !== undefined) {
    const known = all.map(({ name }) => name).join(", ");
    throw new UsageError(`there is no variant ${unknown}; there are ${known}`);
  }
  return all.filter(({ name }) => names.length === 0 || names.includes(name));
}

/** The base images of a Dockerfile that are not stages of it, with the values of its variables. */
export function baseImages(dockerfile: string): string[] {
  const defaults = dockerfile.matchAll(/^ARG (\w+)=(\S+)/gm);
  const values: Record<string, string> = Object.fromEntries(
    [...defaults].map(([, name, value]) => [name, value]),
  );
  Object.assign(values, BUILD_ARGUMENTS);
  const images = basesOf(dockerfile).map(({ image }) =>
    image.replace(/\$\{?(\w+)\}?/g, (whole, name) => values[name] ?? whole),
  );
  return [...new Set(images)];
}
