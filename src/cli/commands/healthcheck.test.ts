import { afterEach, describe, expect, test } from "bun:test";
import { pem } from "../../../test/certificate.ts";
import { checkHealth } from "./healthcheck.ts";

let server: Bun.Server<undefined> | undefined;

afterEach(async () => {
  await server?.stop(true);
  server = undefined;
});

/** Answers readiness alone, with this status; returns the port. */
function answerReady(status: number, hostname: string, tls?: Bun.TLSOptions): number {
  server = Bun.serve({
    ...(tls && { tls }),
    hostname,
    port: 0,
    fetch: ({ url }) => new Response(null, { status: url.endsWith("/ready") ? status : 404 }),
  });
  return server.port ?? 0;
}

describe("a service that is ready", () => {
  for (const [host, listensOn] of [
    ["127.0.0.1", "127.0.0.1"],
    ["0.0.0.0", "127.0.0.1"],
    ["::1", "::1"],
    ["::", "127.0.0.1"],
    ["::", "::"],
    ["localhost", "127.0.0.1"],
  ] as const) {
    test(`is found at ${listensOn} where HOST is ${host}`, async () => {
      const port = answerReady(200, listensOn);
      expect(await checkHealth({ host, port, isHttps: false })).toBeUndefined();
    });
  }
});

test("one with a certificate is found, of any name and any issuer", async () => {
  const tls = { cert: pem("expired.crt"), key: pem("expired.key") };
  const port = answerReady(200, "127.0.0.1", tls);
  expect(await checkHealth({ host: "0.0.0.0", port, isHttps: true })).toBeUndefined();
  expect(await checkHealth({ host: "0.0.0.0", port, isHttps: false })).toMatch(/^no/);
});

test("one that is not ready is reported with its status", async () => {
  const port = answerReady(503, "127.0.0.1");
  expect(await checkHealth({ host: "127.0.0.1", port, isHttps: false })).toBe(
    "not ready: HTTP 503",
  );
});

test("one that does not answer is reported with its address", async () => {
  const port = answerReady(200, "127.0.0.1");
  await server?.stop(true);
  expect(await checkHealth({ host: "::1", port, isHttps: false })).toMatch(
    `no answer on [::1]:${port}: `,
  );
  expect(await checkHealth({ host: "0.0.0.0", port, isHttps: false })).toMatch(
    `no answer on 127.0.0.1:${port}: `,
  );
});
