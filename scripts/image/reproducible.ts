// Builds twice from nothing, and compares to the byte:
//
//   bun run check:reproducible             the executable and both images
//   bun run check:reproducible NAME...     those of `executable`, `standard` and `tiny` that are named
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { name } from "../../package.json" with { type: "json" };
import { copyCheckout } from "../../test/container/checkout.ts";
import { RUN } from "../../test/container/images.ts";
import { buildImage } from "../build/image.ts";
import { TARGETS } from "../release/tags.ts";
import { docker, requireEngine } from "../shell/commands.ts";
import { runMain, UsageError } from "../shell/main.ts";

export type Build = {
  digest: string;
  /** Where it is kept, for who looks for the difference. */
  place: string;
  remove: () => unknown;
};

const PRODUCTS: Readonly<Record<string, () => Promise<Build>>> = {
  executable: buildExecutable,
  ...Object.fromEntries(TARGETS.map((target) => [target, () => buildCleanImage(target)])),
};

/**
 * Builds twice, and removes both builds where they are the same.
 *
 * @returns the digest that both have.
 * @throws {Error} where they differ; the message says where they are kept.
 */
export async function buildTwice(name: string, build: () => Promise<Build>): Promise<string> {
  const first = await build();
  const second = await build().catch(async (error) => {
    await first.remove();
    throw error;
  });
  const builds = [first, second];
  if (first.digest !== second.digest) {
    const kept = builds.map(({ digest, place }) => `${digest} (${place})`);
    throw new Error(`two clean builds of ${name} differ: ${kept.join(" and ")}`);
  }
  for (const { remove } of builds) await remove();
  return first.digest;
}

/** Each in a directory of its own, so that none of its path is in the executable. */
async function buildExecutable(): Promise<Build> {
  const checkout = copyCheckout();
  const bun = process.execPath;
  for (const command of [
    [bun, "install", "--frozen-lockfile", "--production", "--silent"],
    [bun, "scripts/build/executable.ts"],
  ]) {
    const { status, output } = await checkout.run(command);
    if (status !== 0) throw new Error(`${command.join(" ")} failed in a clean copy: ${output}`);
  }
  const place = checkout.path(`dist/${name}`);
  const digest = createHash("sha256").update(readFileSync(place)).digest("hex");
  return { digest: `sha256:${digest}`, place, remove: checkout.remove };
}

const OPTIONS = ["--no-cache", "--provenance=false", "--quiet"];

let images = 0;

/**
 * An image that nothing from the cache went into but the base image. Without provenance, which says when
 * each build was and, in some engines' stores, is a part of the image.
 */
async function buildCleanImage(target: string): Promise<Build> {
  images += 1;
  const place = `${RUN}-reproducible:${target}-${images}`;
  if ((await buildImage(target, [place], OPTIONS)) !== 0) {
    throw new Error(`${target} could not be built`);
  }
  const digest = await docker("image", "inspect", "--format={{.Id}}", place);
  return { digest, place, remove: () => docker("image", "rm", place) };
}

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !(name in PRODUCTS));
  if (unknown.length > 0) {
    const known = Object.keys(PRODUCTS).join(", ");
    throw new UsageError(`unknown: ${unknown.join(" ")} (there are ${known})`);
  }
  const chosen = Object.entries(PRODUCTS).filter(([name]) => !names.length || names.includes(name));
  if (chosen.some(([name]) => name !== "executable")) await requireEngine();
  for (const [name, build] of chosen) console.log(`${name} ${await buildTwice(name, build)}`);
}

if (import.meta.main) await runMain(() => main(process.argv.slice(2)));
