import { expect, test } from "bun:test";
import { statusOfWhole } from "./connection.ts";
import { openLoop } from "./open-loop.ts";

const HEAD = "HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\n";

test("an answer counts when its body has come as a whole", () => {
  expect(statusOfWhole(HEAD.slice(0, 30))).toBeUndefined();
  expect(statusOfWhole(`${HEAD}hell`)).toBeUndefined();
  expect(statusOfWhole(`${HEAD}hello`)).toBe(201);
  expect(() => statusOfWhole("HTTP/1.1 200 OK\r\n\r\n")).toThrow("no Content-Length");
});

test("requests that wait for an earlier one count from when they were planned", async () => {
  const stop = Promise.withResolvers<void>();
  let asked = 0;
  using server = serve(async () => {
    asked += 1;
    if (asked === 1) await stop.promise;
    return new Response("ok");
  });
  const loop = openLoop({ url: server.url.href, perSecond: 1000, seconds: 0.2, connections: 1 });
  while (asked === 0) await Bun.sleep(1);
  const from = performance.now();
  while (performance.now() - from < 300) await Bun.sleep(10);
  stop.resolve();
  const { latencies, planned } = await loop;
  expect(planned).toBe(200);
  expect(latencies).toHaveLength(200);
  // The last one was planned 200 ms after the first, whose answer came after 300.
  expect(Math.min(...latencies)).toBeGreaterThanOrEqual(90);
});

test("what a client gives up and what is refused is no goodput", async () => {
  const never = Promise.withResolvers<Response>();
  let asked = 0;
  using server = serve(() => {
    asked += 1;
    if (asked === 1) return new Response("no", { status: 503 });
    return asked === 2 ? new Response("ok") : never.promise;
  });
  setTimeout(() => never.resolve(new Response("late")), 200);
  const result = await openLoop({
    ...{ url: server.url.href, perSecond: 1000, seconds: 0.05, connections: 1, patienceMs: 100 },
  });
  expect(result).toMatchObject({ planned: 50, refused: 1, lost: 48 });
  expect(result.latencies).toHaveLength(1);
});

test("several addresses take turns", async () => {
  const asked = [0, 0];
  const serverOf = (place: number) =>
    serve(() => {
      asked[place] = (asked[place] ?? 0) + 1;
      return new Response("ok");
    });
  using first = serverOf(0);
  using second = serverOf(1);
  const url = [first.url.href, second.url.href];
  const result = await openLoop({ url, perSecond: 1000, seconds: 0.1, connections: 100 });
  expect(result.latencies).toHaveLength(100);
  expect(asked).toEqual([50, 50]);
});

test("requests at random come in the same number, with gaps that differ", async () => {
  const at: number[] = [];
  using server = serve(() => {
    at.push(performance.now());
    return new Response("ok");
  });
  // Of ten gaps, nine are a tenth of the mean, and one is 9.1 times as long.
  let gap = 0;
  const random = () => {
    gap += 1;
    return 1 - Math.exp(gap % 10 === 0 ? -9.1 : -0.1);
  };
  const load = { perSecond: 200, seconds: 0.25, connections: 50 };
  const { latencies } = await openLoop({ url: server.url.href, ...load, random });
  expect(latencies).toHaveLength(50);
  const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
  // 45.5 ms; the others are half a millisecond.
  expect(gaps.filter((gap) => gap > 20).length).toBeGreaterThanOrEqual(4);
});

function serve(fetch: () => Response | Promise<Response>) {
  return Bun.serve({ port: 0, hostname: "127.0.0.1", fetch });
}
