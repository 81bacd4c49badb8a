import { describe, expect, test } from "bun:test";
import { API_KEY, openApp } from "../../test/app.ts";

const HEADERS = { "X-API-Key": API_KEY, "Content-Type": "application/json" };

describe("a client that goes away in the middle of its body", () => {
  /** A body that breaks off, of a length that is known beforehand or not. */
  const send = (headers: Record<string, string>) => {
    const { request, log } = openApp();
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"action"')),
      pull: () => Promise.reject(new DOMException("The connection was closed.", "AbortError")),
    });
    const init: RequestInit & { duplex: "half" } = {
      method: "POST",
      headers: { ...HEADERS, ...headers },
      body,
      duplex: "half",
    };
    return { log, response: request("/api/v1/process", init) };
  };

  for (const [what, headers] of [
    ["a length", { "Content-Length": "100" }],
    ["no length", {}],
  ] as const) {
    test(`is no fault of the service: ${what}`, async () => {
      const { log, response } = send(headers);
      expect((await response).status).toBe(400);
      expect(await (await response).json()).toMatchObject({ error: "Incomplete request body" });
      expect(log.map(({ level }) => level)).toEqual(["INFO"]);
    });
  }
});

describe("MAX_BODY_BYTES", () => {
  const BODY = '{"action":"echo"}';
  const send = (maxBodyBytes: number) =>
    openApp({ config: { maxBodyBytes } }).request("/api/v1/process", {
      method: "POST",
      headers: HEADERS,
      body: BODY,
    });

  test("takes a body of as many bytes", async () => {
    expect((await send(BODY.length)).status).toBe(200);
  });

  test("refuses one more, and names the limit", async () => {
    const response = await send(BODY.length - 1);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({
      detail: `A request body may have at most ${BODY.length - 1} bytes.`,
    });
  });
});
