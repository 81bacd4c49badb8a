import { englishOnly } from "./english-only.ts";

/** The runtimes beside Bun that the service is bundled for; each has its entry in src/runtime. */
export const BUNDLED_RUNTIMES = ["node", "deno", "workers", "lambda"] as const;
export type BundledRuntime = (typeof BUNDLED_RUNTIMES)[number];

const ENTRIES = new URL("../src/runtime/", import.meta.url).pathname;

/**
 * Bundles the service for a runtime: what needs no packages and no build step any more.
 *
 * @returns the path of the file to run or to deploy. Others may lie beside it, which it loads when it
 * needs them.
 */
export async function bundle(runtime: BundledRuntime, outdir: string): Promise<string> {
  const isWorkers = runtime === "workers";
  const result = await Bun.build({
    entrypoints: [`${ENTRIES}${runtime}.ts`],
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
    plugins: [englishOnly],
  });
  const entry = result.outputs.find(({ kind }) => kind === "entry-point");
  if (!result.success || !entry) throw new AggregateError(result.logs, `No bundle for ${runtime}`);
  return entry.path;
}

if (import.meta.main) {
  for (const runtime of BUNDLED_RUNTIMES) console.log(await bundle(runtime, `dist/${runtime}`));
}
