import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../scripts/build/runtimes.ts";
import { openConnection } from "./connection.ts";
import { PLUGINS } from "./program.ts";
import { denoCommand, nodeCommand } from "./runtimes/programs.ts";
import { API_KEY, compiledBinary, type Service, startService } from "./service.ts";

setDefaultTimeout(60_000);

const home = mkdtempSync(join(tmpdir(), "thimble-raw-"));
afterAll(() => rmSync(home, { recursive: true }));

const PROGRAMS = {
  Bun: async () => [await compiledBinary()],
  Node: async () => nodeCommand(await bundle("node", home, PLUGINS)),
  Deno: async () => denoCommand(await bundle("deno", home, PLUGINS)),
};

const get = (...lines: string[]) => ["GET /healthz HTTP/1.1", ...lines, "", ""].join("\r\n");
const lines = (count: number) => Array.from({ length: count }, (_, index) => `A${index}: b`);

const BODY = '{"action":"echo"}';
const post = (...framing: string[]) =>
  [
    ...["POST /api/v1/process HTTP/1.1", "Host: a", `X-API-Key: ${API_KEY}`],
    ...["Content-Type: application/json", ...framing, "", BODY],
  ].join("\r\n");

/** A status, and whether the answer is this service's own or one of the runtime's server; or no answer at all. */
type Answer = `${number}` | `${number} by the server` | "closed";

/**
 * What each runtime makes of unusual requests today; docs/limits.md says it to operators. A row that
 * fails after an update says that a runtime has changed: correct it here and there.
 */
const ROWS: [what: string, request: string, Bun: Answer, Node: Answer, Deno: Answer][] = [
  ["two Host lines", get("Host: a", "Host: b"), "400", "400", "400 by the server"],
  ["a Host with a path", get("Host: a/healthz?"), "400", "400 by the server", "400"],
  ["a Host with a user", get("Host: u@a"), "400", "400 by the server", "400"],
  ["a Host with a space", get("Host: a b"), "400", "400 by the server", "400"],
  ["a Host with a word for a port", get("Host: a:port"), "400", "400 by the server", "400"],
  ["a Host with a port", get("Host: a:80"), "200", "200", "200"],
  ["an empty Host", get("Host:"), "200", "200", "200"],
  ["HTTP/1.1 without Host", get(), "400 by the server", "200", "200"],
  ["HTTP/1.0 without Host", "GET /healthz HTTP/1.0\r\n\r\n", "200", "200", "200"],
  ["HEAD", "HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "200", "200", "200"],
  [
    "a method in small letters",
    "patch / HTTP/1.1\r\nHost: a\r\n\r\n",
    "closed",
    "400 by the server",
    "405",
  ],
  ["an unknown method", "FOO / HTTP/1.1\r\nHost: a\r\n\r\n", "closed", "400 by the server", "405"],
  ["a method of others", "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n", "405", "405", "405"],
  [
    "OPTIONS *",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    ...(["400 by the server", "400 by the server", "404"] as const),
  ],
  ["100 header lines", get("Host: a", ...lines(99)), "200", "200", "200"],
  [
    "200 header lines",
    get("Host: a", ...lines(199)),
    ...(["431 by the server", "200", "400 by the server"] as const),
  ],
  [
    "two equal Content-Length",
    post(`Content-Length: ${BODY.length}`, `Content-Length: ${BODY.length}`),
    ...(["200", "400 by the server", "200"] as const),
  ],
  [
    "two different Content-Length",
    post(`Content-Length: ${BODY.length}`, "Content-Length: 5"),
    ...(["400 by the server", "400 by the server", "400 by the server"] as const),
  ],
  [
    "Content-Length and chunks",
    post(`Content-Length: ${BODY.length}`, "Transfer-Encoding: chunked"),
    ...(["400 by the server", "400 by the server", "400 by the server"] as const),
  ],
];

describe.each(["Bun", "Node", "Deno"] as const)("%s", (runtime) => {
  let service: Service;

  beforeAll(async () => {
    const command = await PROGRAMS[runtime]();
    service = await startService({ command, env: { DATABASE_URL: "memory:" } });
  });

  afterAll(() => service[Symbol.asyncDispose]());

  const ask = async (request: string) => {
    const connection = openConnection(service);
    connection.send(request);
    await connection.settled();
    connection.close();
    return connection.received();
  };

  for (const [what, request, ...answers] of ROWS) {
    const expected = answers[["Bun", "Node", "Deno"].indexOf(runtime)];
    test(`${what}: ${expected}`, async () => {
      const answer = await ask(request);
      const [, status] = /^HTTP\/1\.[01] (\d{3}) /.exec(answer) ?? [];
      const isOurs = /^x-request-id: /im.test(answer);
      expect(status ? `${status}${isOurs ? "" : " by the server"}` : "closed").toBe(expected ?? "");
      if (isOurs) expect(answer.match(/^date: .+$/gim)).toHaveLength(1);
    });
  }
});
