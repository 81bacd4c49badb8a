import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const { platform, arch } = process;
const require = createRequire(import.meta.url);

/** The folder of an installed package. */
function folderOf(name: string): string {
  return dirname(require.resolve(`${name}/package.json`));
}

/** Node as npm brings it for this machine; where it brings none, PATH's, which has to be 22.13 or later. */
export function nodeProgram(): string {
  try {
    return join(folderOf(`node-${platform}-${arch}`), "bin/node");
  } catch {
    return "node";
  }
}

/** Deno's own executable: the script that npm puts before it would not pass on signals. */
export function denoProgram(): string {
  const libc = platform === "linux" ? "-glibc" : "";
  return join(folderOf(`@deno/${platform}-${arch}${libc}`), "deno");
}

/** workerd as npm brings it for this machine. */
export function workerdProgram(): string {
  const machine = `${platform}-${arch === "x64" ? "64" : arch}`;
  return join(folderOf(`@cloudflare/workerd-${machine}`), "bin/workerd");
}

export function nodeCommand(bundle: string): string[] {
  return [nodeProgram(), bundle];
}

const DENO_PERMISSIONS = ["net", "env", "read", "write", "sys"].map((name) => `--allow-${name}`);

export function denoCommand(bundle: string): string[] {
  return [denoProgram(), "run", "--quiet", "--no-prompt", ...DENO_PERMISSIONS, bundle];
}
