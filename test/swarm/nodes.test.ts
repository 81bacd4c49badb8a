import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { tagOf } from "../container/images.ts";
import { buildStandIn } from "../container/stand-ins.ts";
import { until } from "../service.ts";
import { type Node, openNodes, PROXY_PORT } from "./nodes.ts";
import { nextRelease } from "./releases.ts";
import { openStack, type Stack } from "./stack.ts";

/** Swarm notices a lost node when its heartbeats are missing for a quarter of a minute. */
const LIMIT_MS = 90_000;
/**
 * Two requests in a hundred: what is sent to a lost node over open connections until its loss is noticed. The proxy
 * repeats reads, but no writes.
 */
const LOST_WITH_A_NODE = 60;

let swarm: Awaited<ReturnType<typeof openNodes>>;
let stack: Stack;
let first: Node;
let second: Node;

const nodesOf = async () => new Set((await stack.running("api")).map(({ node }) => node));

function moveFrom({ name }: Node): Promise<void> {
  const moved = async () =>
    (await stack.running("api")).length === 3 && !(await nodesOf()).has(name);
  return until(`no task is on ${name}`, moved, LIMIT_MS);
}

beforeAll(async () => {
  await Promise.all([buildStandIn("caddy"), nextRelease()]);
  const releases = [tagOf("standard"), tagOf("next")];
  swarm = await openNodes({
    first: [...releases, tagOf("caddy"), "postgres:17"],
    second: releases,
  });
  [first, second] = swarm.nodes as [Node, Node];
  const labels = ["thimble.database", "thimble.proxy"].map((each) => `--label-add=${each}=true`);
  await first.engine.docker("node", "update", ...labels, first.name);
  stack = openStack(first.engine, { port: swarm.port, published: PROXY_PORT });
  const { output, status } = await stack.deploy();
  expect(output).toContain(`Thimble runs ${tagOf("standard")}`);
  expect(status).toBe(0);
});

afterAll(() => swarm?.remove());

afterEach(() => stack.expectEverything());

test("tasks run on both nodes, and none can gain rights", async () => {
  expect(await nodesOf()).toEqual(new Set([first.name, second.name]));
  const [container = ""] = await stack.containers("api");
  const pid = await first.engine.docker("inspect", "--format={{.State.Pid}}", container);
  expect(await swarm.inNode(first, "cat", `/proc/${pid}/status`)).toContain("NoNewPrivs:\t1");
});

test("a node that is drained takes no request with it", async () => {
  const drain = ["node", "update", "--availability=drain", second.name];
  const { failures } = await stack.underLoad(async () => {
    await first.engine.docker(...drain);
    await moveFrom(second);
  });
  expect(failures).toEqual([]);
  await first.engine.docker("node", "update", "--availability=active", second.name);
});

test("a new release on both nodes fails no request", async () => {
  const update = () => stack.deploy({ THIMBLE_IMAGE: tagOf("next") });
  const { result, failures } = await stack.underLoad(update);
  expect({ failures, status: result.status }).toEqual({ failures: [], status: 0 });
  expect(await nodesOf()).toEqual(new Set([first.name, second.name]));
});

test("a node that is lost takes only what was sent to it, and its tasks move", async () => {
  const { failures } = await stack.underLoad(async () => {
    await swarm.kill(second);
    await moveFrom(second);
  });
  expect(failures.slice(LOST_WITH_A_NODE)).toEqual([]);
});
