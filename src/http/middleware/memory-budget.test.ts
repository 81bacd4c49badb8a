import { describe, expect, test } from "bun:test";
import { API_KEY, openApp } from "../../../test/app.ts";
import { eventually } from "../../../test/service.ts";

const MIB = 1024 * 1024;
const HEADERS = { "X-API-Key": API_KEY, "Content-Type": "application/json" };
const ECHO = '{"action":"echo","data":"text"}';

/** A request whose body arrives when the test says so, and whether anybody has asked for it. */
function waitingBody(length: number) {
  const arrival = Promise.withResolvers<void>();
  let isRead = false;
  const body = new ReadableStream(
    {
      async pull(controller) {
        isRead = true;
        await arrival.promise;
        controller.enqueue(new TextEncoder().encode(ECHO));
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const init: RequestInit & { duplex: "half" } = {
    method: "POST",
    headers: { ...HEADERS, "Content-Length": String(length) },
    body,
    duplex: "half",
  };
  return { init, arrive: arrival.resolve, isRead: () => isRead };
}

describe("MEMORY_BUDGET", () => {
  test("refuses a body for which there is no room before it is read, and accepts it later", async () => {
    const { request } = openApp({ config: { memoryBudget: 8 * MIB } });
    const first = waitingBody(MIB);
    const answered = request("/api/v1/process", first.init);
    await eventually("the first body is read", () => first.isRead() || undefined);

    const second = waitingBody(MIB);
    const refused = await request("/api/v1/process", second.init);
    expect(refused.status).toBe(503);
    expect(refused.headers.get("Retry-After")).toBe("1");
    expect(await refused.json()).toMatchObject({ error: "Service overloaded" });
    expect(second.isRead()).toBe(false);
    const small = { method: "POST", headers: { ...HEADERS, "Content-Length": "31" }, body: ECHO };
    expect((await request("/api/v1/process", small)).status).toBe(200);
    for (const path of ["/health", "/healthz", "/ready"]) {
      expect((await request(path)).status).toBe(200);
    }

    first.arrive();
    expect((await answered).status).toBe(200);
    second.arrive();
    expect((await request("/api/v1/process", waitingBodyThatArrives().init)).status).toBe(200);
  });

  test("has room for one body, however small it is", async () => {
    const { request } = openApp({ config: { memoryBudget: 1 } });
    const { init } = waitingBodyThatArrives();
    expect((await request("/api/v1/process", init)).status).toBe(200);
  });

  test("counts answers that wait for their clients", async () => {
    const { app } = openApp({ config: { memoryBudget: MIB } });
    const ask = (path: string, unsent: number) =>
      app.fetch(new Request(`http://thimble.test${path}`), { unsent: () => unsent });
    expect((await ask("/books", 15)).status).toBe(200);
    expect((await ask("/books", 16)).status).toBe(503);
    expect((await ask("/ready", 16)).status).toBe(200);
  });

  test("counts large answers that wait for their clients", async () => {
    const { app } = openApp({ config: { memoryBudget: MIB } });
    const send = (data: string, unsent: number) => {
      const body = JSON.stringify({ action: "echo", data });
      const headers = { ...HEADERS, "Content-Length": String(body.length) };
      const request = new Request("http://thimble.test/api/v1/process", {
        ...{ method: "POST", headers, body },
      });
      return app.fetch(request, { unsent: () => unsent });
    };
    expect((await send("x".repeat(MIB / 2), 0)).status).toBe(200);
    expect((await send("", 2)).status).toBe(503);
    expect((await send("", 0)).status).toBe(200);
    expect((await send("", 2)).status).toBe(200);
  });
});

test("MAX_CONCURRENT_REQUESTS counts answers that wait for their clients", async () => {
  const { app } = openApp({ config: { maxConcurrentRequests: 3 } });
  const ask = (unsent: number) =>
    app.fetch(new Request("http://thimble.test/books"), { unsent: () => unsent });
  expect((await ask(2)).status).toBe(200);
  expect((await ask(3)).status).toBe(503);
});

function waitingBodyThatArrives() {
  const body = waitingBody(MIB);
  body.arrive();
  return body;
}
