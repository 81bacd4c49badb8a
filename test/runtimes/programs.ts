import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { engines } from "../../package.json" with { type: "json" };

const { platform, arch } = process;
const require = createRequire(import.meta.url);

/** The folder of an installed package. */
function folderOf(name: string): string {
  return dirname(require.resolve(`${name}/package.json`));
}

/**
 * Node as npm brings it for this machine; where it brings none, PATH's.
 *
 * @throws {Error} where that is none, or older than package.json asks for.
 */
export function nodeProgram(): string {
  try {
    return join(folderOf(`node-${platform}-${arch}`), "bin/node");
  } catch {
    return nodeOfPath();
  }
}

function nodeOfPath(): string {
  const path = Bun.which("node");
  const version = path && Bun.spawnSync([path, "--version"]).stdout.toString().trim().slice(1);
  if (path && version && Bun.semver.satisfies(version, engines.node)) return path;
  const found = path ? `${path} is ${version}` : "there is none in PATH";
  throw new Error(`The tests need Node ${engines.node}: ${found}`);
}

/** npm brings the oldest Node that is supported, as `node-22`, for Linux on x64 alone. */
export const HAS_OLDEST_NODE = platform === "linux" && arch === "x64";

export function oldestNodeCommand(bundle: string): string[] {
  return [join(folderOf("node-22"), "bin/node"), bundle];
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

export const DENO_PERMISSIONS = ["net", "env", "read", "write", "sys"].map(
  (name) => `--allow-${name}`,
);

export function denoCommand(bundle: string, permissions = DENO_PERMISSIONS): string[] {
  return [denoProgram(), "run", "--quiet", "--no-prompt", ...permissions, bundle];
}
