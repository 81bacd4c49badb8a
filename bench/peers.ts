import { join } from "node:path";
import { outputOf } from "../scripts/shell/commands.ts";
import { nodeProgram } from "../test/runtimes/programs.ts";
import type { Contender } from "./contenders.ts";

/** Another way to write the same service. */
export type Peer = {
  /** Names it on the command line. */
  id: string;
  name: string;
  /** Builds or installs it, with its files in this directory. @throws {Error} where that is not possible. */
  prepare: (directory: string) => Promise<Contender>;
};

/** Peers that are here, and why the others are not. */
export type Peers = { contenders: Contender[]; missing: { name: string; reason: string }[] };

const FOLDER = join(import.meta.dir, "peers");

export const PEERS: readonly Peer[] = [
  { id: "go", name: "Go net/http", prepare: prepareGo },
  { id: "fastify", name: "Fastify", prepare: () => preparePackage("Fastify", nodeProgram()) },
  { id: "elysia", name: "Elysia", prepare: () => preparePackage("Elysia", process.execPath) },
  {
    id: "hono",
    name: "Hono's own middleware",
    prepare: () => preparePackage("Hono", process.execPath),
  },
  { id: "flask", name: "Flask", prepare: prepareFlask },
];

/** Prepares peers for their measurement. */
export async function preparePeers(wanted: readonly Peer[], directory: string): Promise<Peers> {
  const peers: Peers = { contenders: [], missing: [] };
  for (const { name, prepare } of wanted) {
    try {
      peers.contenders.push(await prepare(directory));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      peers.missing.push({ name, reason });
    }
  }
  return peers;
}

async function prepareGo(directory: string): Promise<Contender> {
  const go = goProgram();
  const program = join(directory, "go-peer");
  await outputOf(go, "build", "-C", join(FOLDER, "go"), "-o", program, ".");
  const version = /go(\d\S*)/.exec(await outputOf(go, "version"))?.[1] ?? "unknown";
  return { name: "Go net/http", version, command: [program] };
}

/** A framework of npm. The packages of all are installed together, when the first one is needed. */
async function preparePackage(name: string, runtime: string): Promise<Contender> {
  const id = name.toLowerCase();
  await outputOf(process.execPath, "install", "--frozen-lockfile", "--cwd", FOLDER);
  const { version } = await Bun.file(join(FOLDER, "node_modules", id, "package.json")).json();
  return { name, version, command: [runtime, join(FOLDER, id, "server.mjs")] };
}

/** With Debian's Python, which has Debian's packages; another one may come first in PATH. */
async function prepareFlask(): Promise<Contender> {
  const python = "/usr/bin/python3";
  const script = "from importlib.metadata import version as v; print(v('flask'), v('gunicorn'))";
  const versions = await outputOf(python, "-c", script).catch(() => {
    throw new Error("Debian's packages python3-flask and gunicorn are not installed");
  });
  const [flask = "", gunicorn = ""] = versions.split(" ");
  return {
    name: "Flask",
    version: `${flask}, gunicorn ${gunicorn}`,
    command: [python, "-B", "-m", "gunicorn", "service:app"],
    directory: join(FOLDER, "flask"),
  };
}

/** Go of PATH, or the newest one that Debian's packages golang-1.24-go and their like have installed. */
function goProgram(): string {
  const ofPath = Bun.which("go");
  if (ofPath) return ofPath;
  const installed = Array.from(new Bun.Glob("go-*/bin/go").scanSync("/usr/lib"));
  const newest = installed.sort(Bun.semver.order).at(-1);
  if (newest) return join("/usr/lib", newest);
  throw new Error("Go is not installed; Debian's package is golang-go");
}
