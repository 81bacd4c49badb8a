import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../scripts/build/runtimes.ts";
import { openConnection, SLOW_POST } from "../connection.ts";
import { PLUGINS } from "../program.ts";
import { serverContract } from "../server.contract.ts";
import { API_KEY, runToEnd, type Service, startService } from "../service.ts";
import { nodeCommand } from "./programs.ts";

setDefaultTimeout(60_000);

const home = mkdtempSync(join(tmpdir(), "thimble-node-"));
afterAll(() => rmSync(home, { recursive: true }));

const bundled = bundle("node", home, PLUGINS);

serverContract("Node", async () => nodeCommand(await bundled), ["SQLite"]);

describe("Node", () => {
  test("that is too old says which one is needed, in a sentence", async () => {
    const [node = "", ...args] = nodeCommand(await bundled);
    const old = 'Object.defineProperty(process, "versions", { value: { node: "20.20.2" } })';
    const { code, stdout, stderr } = await runToEnd(
      [node, `--import=data:text/javascript,${encodeURIComponent(old)}`, ...args],
      {},
    );
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: "",
      stderr: "thimble: this needs Node 22.16 or later; this is 20.20.2\n",
    });
  });

  test("cuts off a head that comes byte by byte", async () => {
    const command = nodeCommand(await bundled);
    await using service = await startService({ command, env: { IDLE_TIMEOUT_SECONDS: "1" } });
    const connection = openConnection(service);
    connection.send("GET /healthz HTTP/1.1\r\nA: ");
    const dribble = setInterval(() => connection.send("x"), 50);
    await connection.ended();
    clearInterval(dribble);
    expect(connection.received()).toStartWith("HTTP/1.1 408 ");
  });
});

describe("Node, with a client that waits for 100 Continue before it sends a body", () => {
  const KEY_LINE = `X-API-Key: ${API_KEY}`;
  const ask = async (service: Service, ...lines: string[]) => {
    const connection = openConnection(service);
    const head = ["POST /api/v1/process HTTP/1.1", "Host: a", "Content-Type: application/json"];
    connection.send([...head, ...lines, "Expect: 100-continue", "", ""].join("\r\n"));
    await connection.settled();
    return connection;
  };
  const start = async () =>
    startService({ command: nodeCommand(await bundled), env: { MAX_BODY_BYTES: "1000" } });

  for (const [what, lines, status] of [
    ["a body that is too large", ["Content-Length: 1001", KEY_LINE], 413],
    ["a request without a key", ["Content-Length: 31"], 401],
  ] as const) {
    test(`refuses ${what} without 100 Continue, and ends the connection`, async () => {
      await using service = await start();
      const connection = await ask(service, ...lines);
      await connection.ended();
      expect(connection.received()).toStartWith(`HTTP/1.1 ${status} `);
      expect(connection.received()).not.toContain("100 Continue");
      expect(connection.received()).toMatch(/^Connection: close\r$/im);
    });
  }

  test("sends 100 Continue once for a body that it reads, and keeps the connection", async () => {
    await using service = await start();
    const connection = await ask(service, `Content-Length: ${SLOW_POST.body.length}`, KEY_LINE);
    expect(connection.received()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    connection.send(SLOW_POST.body);
    await connection.answered('"data":"late"');
    connection.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    await connection.answered("\r\n\r\nOK");
    expect(connection.received().match(/100 Continue/g)).toHaveLength(1);
    connection.close();
  });
});
