import { appendFileSync, readFileSync } from "node:fs";
import { docker } from "../../scripts/shell/commands.ts";
import type { Checkout } from "../../test/container/checkout.ts";
import { BUILD_ARGUMENTS, baseImages, type Variant } from "./variants.ts";

/** Images and containers of the benchmark have this prefix, so that they can be removed. */
export const PREFIX = "thimble-bench-";

const SOURCE_FILE = "src/cli/cli.ts";

export function imageOf({ name }: Variant): string {
  return `${PREFIX}${name}`;
}

/** Builds without the cache. @returns seconds, including downloads. */
export function buildCold(variant: Variant, checkout: Checkout): Promise<number> {
  return timedBuild(variant, checkout, imageOf(variant), ["--no-cache"]);
}

/** Builds again after a change of the service's source. @returns seconds. */
export async function buildWarm(variant: Variant, checkout: Checkout): Promise<number> {
  changeSource(checkout);
  const tag = `${imageOf(variant)}:warm`;
  const seconds = await timedBuild(variant, checkout, tag, []);
  await docker("image", "rm", "--force", tag);
  return seconds;
}

/** A statement that the bundler must keep: Docker compares a file's content, not its time. */
function changeSource(checkout: Checkout): void {
  const statement = `Object.assign(globalThis, { benchmark: "${crypto.randomUUID()}" });`;
  appendFileSync(checkout.path(SOURCE_FILE), `\n${statement}\n`);
}

async function timedBuild(
  { dockerfile, target }: Variant,
  checkout: Checkout,
  tag: string,
  options: readonly string[],
): Promise<number> {
  const args = Object.entries(BUILD_ARGUMENTS).map(([name, value]) => `${name}=${value}`);
  const started = performance.now();
  await docker(
    ...["build", "--quiet", `--tag=${tag}`, `--file=${checkout.path(dockerfile)}`],
    ...args.map((arg) => `--build-arg=${arg}`),
    ...(target === undefined ? [] : [`--target=${target}`]),
    ...options,
    checkout.directory,
  );
  return (performance.now() - started) / 1000;
}

/** The base images of a variant that were built on this machine, and not pulled from a registry. */
export async function localBases({ dockerfile }: Variant): Promise<string[]> {
  const bases = baseImages(readFileSync(dockerfile, "utf8"));
  const local = await Promise.all(bases.map(isLocal));
  return bases.filter((_base, index) => local[index]);
}

/**
 * A pulled image stays in the builder, without a name; so an image that has no name here was pulled.
 */
async function isLocal(image: string): Promise<boolean> {
  try {
    return (await docker("image", "inspect", "--format={{len .RepoDigests}}", image)) === "0";
  } catch {
    return false;
  }
}

/** Removes what this run or an interrupted one made; the builder's cache stays. */
export async function removeAll(): Promise<void> {
  const containers = await docker("ps", "--all", "--quiet", `--filter=name=^${PREFIX}`);
  if (containers) await docker("rm", "--force", "--volumes", ...containers.split("\n"));
  const reference = `--filter=reference=${PREFIX}*`;
  const images = await docker("image", "ls", "--format={{.Repository}}:{{.Tag}}", reference);
  if (images) await docker("image", "rm", "--force", ...images.split("\n"));
}
