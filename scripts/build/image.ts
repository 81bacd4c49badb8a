// Builds the images NAME:standard and NAME:tiny, of the name in package.json; plain NAME is the tiny one.
//
//   bun run build:image [DOCKER BUILD OPTION]...
import { name } from "../../package.json" with { type: "json" };
import { requireEngine, showDocker } from "../shell/commands.ts";
import { runMain } from "../shell/main.ts";
import { buildArguments } from "./labels.ts";

const IMAGES = {
  standard: [`${name}:standard`],
  tiny: [`${name}:tiny`, `${name}:latest`],
};

/** Builds one target of the Dockerfile, described as this checkout is. @returns Docker's exit code. */
export function buildImage(
  target: string,
  tags: readonly string[],
  options: readonly string[] = [],
) {
  const args = Object.entries(buildArguments()).map(
    ([name, value]) => `--build-arg=${name}=${value}`,
  );
  const names = tags.map((tag) => `--tag=${tag}`);
  return showDocker(["build", `--target=${target}`, ...names, ...args, ...options, "."]);
}

async function main(options: readonly string[]): Promise<number> {
  await requireEngine();
  for (const [target, tags] of Object.entries(IMAGES)) {
    const status = await buildImage(target, tags, options);
    if (status !== 0) return status;
  }
  return await showDocker(["image", "ls", name]);
}

if (import.meta.main) await runMain(() => main(process.argv.slice(2)));
