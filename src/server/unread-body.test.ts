import { expect, test } from "bun:test";
import type { Fetch } from "./runtime.ts";
import { createRestReader } from "./unread-body.ts";

const refuse: Fetch = () => new Response("refused", { status: 413 });
const LIMITS = { maxBytes: 1000, maxMs: 50 };

/** A request whose body has chunks of 100 bytes, and may never end. */
function requestOf({ chunks, ends }: { chunks: number; ends: boolean }) {
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      sent += 1;
      if (sent <= chunks) controller.enqueue(new Uint8Array(100));
      else if (ends) controller.close();
      else await new Promise(() => {});
    },
  });
  const init: RequestInit & { duplex: "half" } = { method: "POST", body, duplex: "half" };
  return { request: new Request("http://localhost/", init), sent: () => sent };
}

async function closes(fetch: Fetch, request: Request): Promise<boolean> {
  const response = await fetch(request, {});
  await createRestReader(LIMITS)(request, response);
  expect(await response.text()).toBe("refused");
  return response.headers.get("Connection") === "close";
}

test("a body that nobody read is read to its end, and the connection stays open", async () => {
  const { request, sent } = requestOf({ chunks: 9, ends: true });
  expect(await closes(refuse, request)).toBe(false);
  expect(sent()).toBe(10);
});

test("so is the rest of a body that was read in part", async () => {
  const { request, sent } = requestOf({ chunks: 9, ends: true });
  const readInPart: Fetch = async ({ body }) => {
    const reader = body?.getReader();
    await reader?.read();
    reader?.releaseLock();
    return new Response("refused", { status: 413 });
  };
  expect(await closes(readInPart, request)).toBe(false);
  expect(sent()).toBe(10);
});

test("a body without end is read up to a limit of bytes, and the connection is closed", async () => {
  const { request, sent } = requestOf({ chunks: 1_000_000, ends: false });
  expect(await closes(refuse, request)).toBe(true);
  expect(sent()).toBeLessThan(20);
});

test("a body that stops arriving is waited for up to a limit of time, and the connection is closed", async () => {
  expect(await closes(refuse, requestOf({ chunks: 1, ends: false }).request)).toBe(true);
});

test("a request without a body is answered as it is", async () => {
  expect(await closes(refuse, new Request("http://localhost/"))).toBe(false);
});

test("of more bodies than a few at once, connections are closed", async () => {
  const readRest = createRestReader({ ...LIMITS, maxAtOnce: 2 });
  const answers = Array.from({ length: 3 }, () => ({
    request: requestOf({ chunks: 9, ends: true }).request,
    response: new Response("refused", { status: 413 }),
  }));
  await Promise.all(answers.map(({ request, response }) => readRest(request, response)));
  const closing = answers.map(({ response }) => response.headers.get("Connection"));
  expect(closing).toEqual([null, null, "close"]);
});
