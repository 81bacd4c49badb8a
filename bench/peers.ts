import { join } from "node:path";
import { outputOf } from "../scripts/shell/commands.ts";
import type { Contender } from "./contenders.ts";

/** Another way to write the same service. */
type Peer = {
  /** Names it on the command line. */
  id: string;
  name: string;
  /** Builds or installs it, with its files in this directory. @throws {Error} where that is not possible. */
  prepare: (directory: string) => Promise<Contender>;
};

/** Peers that are here, and why the others are not. */
export type Peers = { contenders: Contender[]; missing: { name: string; reason: string }[] };

const FOLDER = join(import.meta.dir, "peers");

export const PEERS: readonly Peer[] = [{ id: "go", name: "Go net/http", prepare: prepareGo }];

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

/** Go of PATH, or the newest one that Debian's packages golang-1.24-go and their like have installed. */
function goProgram(): string {
  const ofPath = Bun.which("go");
  if (ofPath) return ofPath;
  const installed = Array.from(new Bun.Glob("go-*/bin/go").scanSync("/usr/lib"));
  const newest = installed.sort(Bun.semver.order).at(-1);
  if (newest) return join("/usr/lib", newest);
  throw new Error("Go is not installed; Debian's package is golang-go");
}
