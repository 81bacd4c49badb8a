import { describe, expect, test } from "bun:test";
import { API_KEY, openApp } from "../../../test/app.ts";
import { shapeOf } from "./json-body.ts";

const HEADERS = { "X-API-Key": API_KEY, "Content-Type": "application/json" };

describe("a client that disconnects in the middle of its body", () => {
  /** A body that breaks off, with or without a known length. */
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

test("a body that cannot be read at all is incomplete", async () => {
  const { app, log } = openApp();
  const request = new Request("http://thimble.test/api/v1/process", {
    method: "POST",
    headers: HEADERS,
    body: "{}",
  });
  request.body?.getReader();
  const response = await app.fetch(request);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: "Incomplete request body" });
  expect(log.map(({ level }) => level)).toEqual(["INFO"]);
});

describe("MAX_BODY_BYTES", () => {
  const BODY = '{"action":"echo"}';
  const send = (maxBodyBytes: number) =>
    openApp({ config: { maxBodyBytes } }).request("/api/v1/process", {
      method: "POST",
      headers: HEADERS,
      body: BODY,
    });

  test("accepts a body of exactly that size", async () => {
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

describe("a body is counted, whatever its Content-Length says:", () => {
  const MAX_BYTES = 1000;
  const CHUNK = new TextEncoder().encode("x".repeat(100));

  /** A body without an end, and the number of its chunks that were read. */
  const endless = () => {
    const taken = { chunks: 0, cancelled: false };
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          taken.chunks += 1;
          controller.enqueue(CHUNK);
        },
        cancel() {
          taken.cancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    return { body, taken };
  };
  const send = async (body: BodyInit, headers: Record<string, string>) => {
    const { request } = openApp({ config: { maxBodyBytes: MAX_BYTES } });
    const init: RequestInit & { duplex: "half" } = {
      method: "POST",
      headers: { ...HEADERS, ...headers },
      body,
      duplex: "half",
    };
    return request("/api/v1/process", init);
  };

  for (const [what, headers] of [
    ["none", {}],
    ["too little", { "Content-Length": "10" }],
    ["what is no number", { "Content-Length": "many" }],
    ["chunks and too little", { "Content-Length": "10", "Transfer-Encoding": "chunked" }],
  ] as const) {
    test(`${what}; no more is read than one chunk beyond the limit`, async () => {
      const { body, taken } = endless();
      const response = await send(body, headers);
      expect(response.status).toBe(413);
      expect(taken.chunks).toBe(MAX_BYTES / CHUNK.length + 1);
    });
  }

  test("too much; nothing is read", async () => {
    const { body, taken } = endless();
    expect((await send(body, { "Content-Length": String(MAX_BYTES + 1) })).status).toBe(413);
    expect(taken.chunks).toBe(0);
  });

  test("too little, and small enough", async () => {
    const response = await send('{"action":"echo","data":1}', { "Content-Length": "5" });
    expect(await response.json()).toMatchObject({ data: 1 });
  });
});

test("a character that is split between two chunks is one", async () => {
  const bytes = new TextEncoder().encode('{"action":"echo","data":"\u{1f642}"}');
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const init: RequestInit & { duplex: "half" } = {
    method: "POST",
    headers: HEADERS,
    body,
    duplex: "half",
  };
  const response = await openApp().request("/api/v1/process", init);
  expect(await response.json()).toMatchObject({ data: "\u{1f642}" });
});

test("a body with more than 50,000 values is too large", async () => {
  const send = (values: number) =>
    openApp().request("/api/v1/process", {
      method: "POST",
      headers: HEADERS,
      // The object and the array are values too, and so is the action.
      body: `{"action":"echo","data":[${Array(values - 3)
        .fill("[]")
        .join()}]}`,
    });
  expect((await send(50_000)).status).toBe(200);
  const refused = await send(50_001);
  expect(refused.status).toBe(413);
  expect(await refused.json()).toMatchObject({
    detail: "A request body may have at most 50000 values.",
  });
});

describe("shapeOf", () => {
  for (const [text, depth, values] of [
    ["1", 0, 1],
    ["[]", 1, 1],
    ["[[],[]]", 2, 3],
    ['{"a":[{"b":1}]}', 3, 4],
    ['["[[[["]', 1, 2],
    ['["\\"[[[["]', 1, 2],
    ['["\\\\",[[]]]', 3, 4],
    ['{"a\\\\\\"[":[]}', 2, 2],
    ['["[[', 1, 2],
  ] as const) {
    test(`${text} is nested ${depth} deep, with at most ${values} values`, () => {
      expect(shapeOf(text)).toEqual({ depth, values });
    });
  }
});
