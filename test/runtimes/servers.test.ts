import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../scripts/bundle.ts";
import { openConnection } from "../connection.ts";
import { serverContract } from "../server.contract.ts";
import { API_KEY, runToEnd, startService } from "../service.ts";
import {
  DENO_PERMISSIONS,
  denoCommand,
  HAS_OLDEST_NODE,
  nodeCommand,
  oldestNodeCommand,
} from "./programs.ts";

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
serverContract("Deno", async () => denoCommand(await bundles.deno), {
  refuses: "503",
  closes: "client",
  waitsForHandshakes: true,
  replacesCertificate: false,
  closesIdle: false,
  waitsForReader: true,
  learnsPartialWrites: false,
});

describe("Node", () => {
  test("cuts off a head that comes byte by byte", async () => {
    const command = nodeCommand(await bundles.node);
    await using service = await startService({ command, env: { IDLE_TIMEOUT_SECONDS: "1" } });
    const connection = openConnection(service);
    connection.send("GET /healthz HTTP/1.1\r\nA: ");
    const dribble = setInterval(() => connection.send("x"), 50);
    await connection.ended();
    clearInterval(dribble);
    expect(connection.received()).toStartWith("HTTP/1.1 408 ");
  });
});

describe("Deno", () => {
  test("without the permission to listen exits with 69 and names it", async () => {
    const permissions = DENO_PERMISSIONS.filter((flag) => flag !== "--allow-net");
    const command = [...denoCommand(await bundles.deno, permissions), "serve"];
    const env = { API_KEY, DATABASE_URL: "memory:", HOST: "127.0.0.1", PORT: "8000" };
    const { code, stderr } = await runToEnd(command, env);
    expect(code).toBe(69);
    expect(stderr).toMatch(
      /^thimble: cannot listen on 127\.0\.0\.1:8000: NotCapable: [^\n]+--allow-net[^\n]*\n$/,
    );
  });
});
