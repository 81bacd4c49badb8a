import { existsSync } from "node:fs";
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
 * Node as npm has it for this machine; where it has none, PATH's.
 *
 * @throws {Error} where that is none, or older than package.json requires.
 */
export function nodeProgram(): string {
  const program = nodeOfNpm(`node-${platform}-${arch}`);
  return existsSync(program) ? program : nodeOfPath();
}

/**
 * Where a package of `node/package.json` has its Node. They are installed when the first test needs one, and not
 * with the project: each is for one machine, and `npm install` would fail on every other.
 */
function nodeOfNpm(name: string): string {
  const folder = join(import.meta.dir, "node");
  const install = [process.execPath, "install", "--frozen-lockfile", "--silent"];
  const { success, stderr } = Bun.spawnSync(install, { cwd: folder });
  if (!success) throw new Error(`Node could not be installed in ${folder}: ${stderr}`);
  return join(folder, "node_modules", name, "bin/node");
}

function nodeOfPath(): string {
  const path = Bun.which("node");
  const version = path && Bun.spawnSync([path, "--version"]).stdout.toString().trim().slice(1);
  if (path && version && Bun.semver.satisfies(version, engines.node)) return path;
  const found = path ? `${path} is ${version}` : "there is none in PATH";
  throw new Error(`The tests need Node ${engines.node}: ${found}`);
}

/** The oldest Node that is supported is installed for Linux on x64 alone. */
export const HAS_OLDEST_NODE = platform === "linux" && arch === "x64";

export function oldestNodeCommand(bundle: string): string[] {
  return [nodeOfNpm("node-22"), bundle];
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
