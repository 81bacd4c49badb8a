import { afterAll, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../scripts/bundle.ts";
import { serverContract } from "../server.contract.ts";
import { denoCommand, HAS_OLDEST_NODE, nodeCommand, oldestNodeCommand } from "./programs.ts";

setDefaultTimeout(60_000);

const home = mkdtempSync(join(tmpdir(), "thimble-runtimes-"));
afterAll(() => rmSync(home, { recursive: true }));

const bundles = {
  node: bundle("node", join(home, "node")),
  deno: bundle("deno", join(home, "deno")),
};

serverContract("Bun, from source", () => [
  process.execPath,
  join(import.meta.dir, "../../src/runtime/bun.ts"),
]);
serverContract("Node", async () => nodeCommand(await bundles.node));
if (HAS_OLDEST_NODE) {
  serverContract("Node 22.16", async () => oldestNodeCommand(await bundles.node));
} else {
  test.skip("Node 22.16 (skipped: npm brings it for Linux on x64 alone)", () => {});
}
serverContract("Deno", async () => denoCommand(await bundles.deno));
