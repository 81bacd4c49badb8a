// Builds the image `standard`, and tests how it runs on Docker Swarm: on one node, which is this engine, and on two,
// which are containers with engines of their own.
//
//   bun run test:swarm [--one-node] [--built] [OPTION OF bun test]...
//
// This engine must be in no swarm: the tests make one, and leave it; one that a killed run left is removed. With --one-node, only the first part runs. With
// --built it takes the image as it is, RUN:standard where THIMBLE_TEST_RUN is RUN, and leaves it there.
import { existsSync } from "node:fs";
import { RUN } from "../../test/container/images.ts";
import { until } from "../../test/service.ts";
import { docker, requireEngine } from "../shell/commands.ts";
import { runMain } from "../shell/main.ts";
import { testImages } from "./test-images.ts";

const ONE_NODE = "--one-node";
/** The bridge that an engine makes for its first swarm, and leaves. */
const GATEWAY = "docker_gwbridge";
/** The label of the node in a swarm of these tests: the process that made it. */
const MAKER = "thimble.test";
const LIMIT_MS = 120_000;

async function main(args: readonly string[]): Promise<number> {
  await requireEngine();
  await requireNoSwarm();
  return await testImages({
    targets: ["standard"],
    tests: [args.includes(ONE_NODE) ? "./test/swarm/stack.test.ts" : "./test/swarm/"],
    args: args.filter((arg) => arg !== ONE_NODE),
    around: inSwarm,
  });
}

async function requireNoSwarm(): Promise<void> {
  const state = await docker("info", "--format={{.Swarm.LocalNodeState}}");
  if (state === "inactive") return;
  if (state === "active" && (await isLeftBehind())) return await leaveSwarm();
  throw new Error(`this engine is in a swarm already (${state}); these tests need one that is not`);
}

/** Whether a run of these tests made the swarm, and was killed before it could leave it. */
async function isLeftBehind(): Promise<boolean> {
  const label = `--format={{index .Spec.Labels "${MAKER}"}}`;
  // Only a manager may ask, and these tests make no other node of this engine.
  const maker = await docker("node", "inspect", label, "self").catch(() => "");
  return maker !== "" && !existsSync(`/proc/${maker}`);
}

async function inSwarm<T>(run: () => Promise<T>): Promise<T> {
  const hadGateway = (await networks()).includes(GATEWAY);
  await docker("swarm", "init", "--advertise-addr=127.0.0.1");
  const node = await docker("info", "--format={{.Swarm.NodeID}}");
  await docker("node", "update", `--label-add=${MAKER}=${process.pid}`, node);
  try {
    return await run();
  } finally {
    // Not with `--detach=false`, which may wait for ever for a task that was never placed.
    await docker("stack", "rm", RUN);
    await until("nothing of the stack is left", isGone, LIMIT_MS);
    await leaveSwarm();
    if (!hadGateway && (await networks()).includes(GATEWAY)) await docker("network", "rm", GATEWAY);
  }
}

async function leaveSwarm(): Promise<void> {
  await docker("swarm", "leave", "--force");
}

async function isGone(): Promise<boolean> {
  const mine = ["--quiet", `--filter=label=com.docker.stack.namespace=${RUN}`];
  const left = [await docker("ps", "--all", ...mine), await docker("network", "ls", ...mine)];
  return left.every((ids) => ids === "");
}

async function networks(): Promise<string[]> {
  return (await docker("network", "ls", "--format={{.Name}}")).split("\n");
}

await runMain(() => main(process.argv.slice(2)));
