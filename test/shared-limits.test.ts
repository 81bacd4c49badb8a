/** Three instances on one PostgreSQL, which count limits together. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { freshDatabase } from "./postgres.ts";
import { FROM_SOURCE } from "./program.ts";
import { API_KEY, eventually, type Service, startService, type Variables } from "./service.ts";

setDefaultTimeout(120_000);

const LIMIT = 600;
const KEY = { "X-API-Key": API_KEY };

async function withInstances(
  env: Variables,
  body: (services: readonly Service[]) => Promise<void>,
): Promise<void> {
  const { url, drop } = await freshDatabase();
  const start = () =>
    startService({
      command: FROM_SOURCE,
      env: { ...env, DATABASE_URL: url, RATE_LIMIT_STORE: "database" },
    });
  await using one = await start();
  await using two = await start();
  await using three = await start();
  await body([one, two, three]);
  await drop();
}

/** How many requests an answer's header says are left. */
const leftOf = ({ headers }: Response) =>
  Number(/;r=(\d+);/.exec(headers.get("RateLimit") ?? "")?.[1]);

test("three instances let a key through as often as one, and what comes within a second", async () => {
  await withInstances({ RATE_LIMIT: `${LIMIT}/minute` }, async (services) => {
    /** When requests were let through, by the instance that did so. */
    const letThrough: number[] = [];
    const refusing = new Set<Service>();
    const refusedAfter = new Map<Service, number>();

    async function ask(service: Service): Promise<Response> {
      const response = await fetch(`${service.url}/books/1`, { headers: KEY });
      await response.arrayBuffer();
      if (response.status === 200) letThrough.push(performance.now());
      else {
        expect(response.status).toBe(429);
        refusedAfter.set(service, performance.now());
        refusing.add(service);
      }
      return response;
    }

    /** Each instance gets a request every 10 ms: 300 in a second. */
    async function load(service: Service): Promise<void> {
      while (!refusing.has(service)) await Promise.all([ask(service), Bun.sleep(10)]);
    }
    await Promise.all(services.map(load));

    const usedUpAt = letThrough.toSorted((a, b) => a - b)[LIMIT - 1] ?? 0;
    const lateBy = Math.max(...letThrough) - usedUpAt;
    const inASecond = letThrough.filter((at) => at > usedUpAt - 1000 && at <= usedUpAt).length;
    console.error(
      `let through: ${letThrough.length}; the last one ${Math.round(lateBy)} ms after the limit; a second's load: ${inASecond}`,
    );
    expect(letThrough.length).toBeGreaterThanOrEqual(LIMIT);
    expect(letThrough.length).toBeLessThanOrEqual(LIMIT + inASecond);
    expect(lateBy).toBeLessThan(1000 + 500);

    const refusals = await Promise.all(services.map(ask));
    for (const refusal of refusals) {
      expect(refusal.status).toBe(429);
      expect(leftOf(refusal)).toBe(0);
    }
    const waits = refusals.map(({ headers }) => Number(headers.get("Retry-After")));
    expect(Math.max(...waits) - Math.min(...waits)).toBeLessThanOrEqual(1);
  });
});

test("the headers of all instances agree, once a second has passed", async () => {
  await withInstances({ RATE_LIMIT: `${LIMIT}/minute` }, async (services) => {
    const ask = (service: Service) => fetch(`${service.url}/books/1`, { headers: KEY });
    for (const service of services) {
      for (let turn = 0; turn < 10; turn += 1) await ask(service);
    }
    let asked = 30;
    await eventually("they agree", async () => {
      await Bun.sleep(200);
      const left = (await Promise.all(services.map(ask))).map(leftOf);
      asked += 3;
      // Each knows everything but the requests of this turn and perhaps the last few to the others.
      return left.every((each) => Math.abs(LIMIT - asked - each) <= 8) || undefined;
    });
  });
});

test("wrong keys from an address are counted together too", async () => {
  await withInstances({ AUTH_FAILURE_LIMIT: "100/hour" }, async (services) => {
    const guess = async (service: Service) => {
      const headers = { "X-API-Key": "a-wrong-key-of-somebody" };
      return (await fetch(`${service.url}/metrics`, { headers })).status;
    };
    for (const service of services) {
      for (let turn = 0; turn < 40; turn += 1) expect(await guess(service)).toBe(401);
    }
    for (const service of services) {
      const statuses: number[] = [];
      // Too few to use up the limit of this instance alone.
      for (let turn = 0; turn < 20 && !statuses.includes(429); turn += 1) {
        await Bun.sleep(100);
        statuses.push(await guess(service));
      }
      expect(statuses).toContain(429);
    }
  });
});
