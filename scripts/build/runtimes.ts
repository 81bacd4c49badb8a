// Bundles the service for the other runtimes than Bun, each into its own folder in dist:
//
//   runtimes.ts            for all of them
//   runtimes.ts RUNTIME...   for those that are named
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { BunPlugin } from "bun";
import { runMain, UsageError } from "../shell/main.ts";
import { englishOnly } from "./english-only.ts";

/** The other runtimes than Bun; each has its entry in src/adapters. */
export const BUNDLED_RUNTIMES = ["node", "deno", "workers", "lambda"] as const;
export type BundledRuntime = (typeof BUNDLED_RUNTIMES)[number];

const ROOT = join(import.meta.dir, "../..");

/**
 * Bundles the service for a runtime: what needs no packages and no build step any more.
 *
 * @param plugins what tests put in the place of a part of the service.
 * @returns the path of the file to run or to deploy. Others may be next to it, which it loads when it
 * needs them.
 */
export async function bundle(
  runtime: BundledRuntime,
  outdir: string,
  plugins: readonly BunPlugin[] = [],
): Promise<string> {
  const isWorkers = runtime === "workers";
  const result = await Bun.build({
    entrypoints: [join(ROOT, `src/adapters/${runtime}.ts`)],
    outdir,
    // Where no package.json says so, as on Lambda, only this name makes a file an ES module.
    naming: { entry: "[name].mjs", chunk: "[name]-[hash].mjs" },
    minify: true,
    format: "esm",
    // Workers are uploaded whole, as one file, and reach PostgreSQL by a socket of their own.
    target: isWorkers ? "browser" : "node",
    splitting: !isWorkers,
    conditions: isWorkers ? ["workerd"] : [],
    external: ["node:*", "cloudflare:*"],
    plugins: [englishOnly, ...plugins],
  });
  const entry = result.outputs.find(({ kind }) => kind === "entry-point");
  if (!result.success || !entry) throw new AggregateError(result.logs, `No bundle for ${runtime}`);
  return entry.path;
}

/** Bundles for a runtime into its folder in dist, with nothing in it of an earlier build. */
async function rebuild(runtime: BundledRuntime): Promise<string> {
  const outdir = `dist/${runtime}`;
  await rm(join(ROOT, outdir), { recursive: true, force: true });
  await bundle(runtime, join(ROOT, outdir));
  return `${outdir}/${runtime}.mjs`;
}

function isBundled(name: string): name is BundledRuntime {
  return BUNDLED_RUNTIMES.some((runtime) => runtime === name);
}

async function main(): Promise<void> {
  const names = process.argv.slice(2);
  const unknown = names.filter((name) => !isBundled(name));
  if (unknown.length > 0) {
    const known = BUNDLED_RUNTIMES.join(", ");
    throw new UsageError(`unknown runtime: ${unknown.join(" ")} (there are ${known})`);
  }
  const runtimes = names.length > 0 ? names.filter(isBundled) : BUNDLED_RUNTIMES;
  for (const runtime of runtimes) console.log(await rebuild(runtime));
}

if (import.meta.main) await runMain(main);
