import { rm } from "node:fs/promises";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
/** Where package.json's `exports` look for what is built. */
const OUTDIR = join(ROOT, "dist/package");
const ENTRIES = [
  "src/package/index.ts",
  "src/server/database/sqlite.ts",
  "src/server/database/postgres.ts",
];

/** Builds what other projects import: JavaScript for any runtime, and its declarations. */
export async function buildPackage(): Promise<void> {
  await rm(OUTDIR, { recursive: true, force: true });
  await Promise.all([emitJavaScript(), emitDeclarations()]);
}

/** Text and JSON are put into it; the dependencies stay imports. */
async function emitJavaScript(): Promise<void> {
  const result = await Bun.build({
    entrypoints: ENTRIES.map((entry) => join(ROOT, entry)),
    outdir: OUTDIR,
    naming: { entry: "[name].js", chunk: "[name]-[hash].js" },
    format: "esm",
    target: "node",
    packages: "external",
    // The entries must share one copy of their common code: callers test an error's class with
    // `instanceof`.
    splitting: true,
  });
  if (!result.success) throw new AggregateError(result.logs, "The build failed");
}

async function emitDeclarations(): Promise<void> {
  const tsc = Bun.spawn(
    [process.execPath, join(ROOT, "node_modules/.bin/tsc"), "--project", "tsconfig.package.json"],
    { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] },
  );
  if ((await tsc.exited) !== 0) throw new Error("tsc failed");
}

if (import.meta.main) {
  await buildPackage();
  console.log("dist/package");
}
