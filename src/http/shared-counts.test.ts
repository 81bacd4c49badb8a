import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createFixedWindows } from "./fixed-windows.ts";
import { type Count, createSharedCounts, type Exchange } from "./shared-counts.ts";

const WINDOW_MS = 60_000;
const RATE = { requests: 10, windowMs: WINDOW_MS };

/** What the database does with counts, in this process. */
function createTotals(now: () => number) {
  const rows = new Map<string, { hits: number; endsAt: number }>();
  const exchange: Exchange = async (counts) =>
    counts.map((count) => {
      const key = `${count.limit} ${count.client}`;
      const known = rows.get(key);
      const row = known && known.endsAt > now() ? known : { hits: 0, endsAt: now() + count.leftMs };
      row.hits += count.hits;
      rows.set(key, row);
      return { ...count, hits: row.hits, leftMs: row.endsAt - now() };
    });
  return { rows, exchange };
}

type Options = { capacity?: number; batch?: number };

/** Instances that share their counts; the clock of each began at another time. */
function open(number: number, options: Options = {}) {
  let time = 0;
  const { rows, exchange } = createTotals(() => time);
  const instances = Array.from({ length: number }, (_, index) => {
    const now = () => time + index * 1_000_000;
    const shared = createSharedCounts({ now, ...options });
    const windows = createFixedWindows({
      ...{ windowMs: WINDOW_MS, now, onHit: shared.of("requests", RATE) },
    });
    return {
      hits: (client = "a") => windows.count(client).hits,
      left: (client = "a") => windows.left(windows.count(client)),
      shared,
      exchange: () => shared.exchange(exchange),
    };
  });
  return {
    instances,
    rows,
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
    exchangeAll: async () => {
      for (const instance of instances) await instance.exchange();
    },
  };
}

describe("instances", () => {
  test("count together from the next exchange on", async () => {
    const { instances, exchangeAll } = open(3);
    const [one, two, three] = instances;
    expect([one?.hits(), one?.hits(), two?.hits(), three?.hits("b")]).toEqual([1, 2, 1, 1]);
    await exchangeAll();
    expect(two?.hits()).toBe(4);
    expect(one?.hits()).toBe(3);
    await exchangeAll();
    expect([one?.hits(), two?.hits(), three?.hits("b")]).toEqual([5, 6, 2]);
  });

  test("have one window of a client, from its first hit anywhere", async () => {
    const { instances, exchangeAll, pass } = open(2);
    const [one, two] = instances;
    one?.hits();
    await exchangeAll();
    pass(20_000);
    two?.hits();
    await exchangeAll();
    expect(two?.left()).toBe(40_000);
    pass(40_000);
    expect([one?.hits(), two?.hits()]).toEqual([1, 1]);
  });

  test("send nothing that was sent, and nothing where nothing came", async () => {
    const { instances } = open(1);
    const [one] = instances;
    const sent: Count[][] = [];
    const note: Exchange = async (counts) => {
      sent.push([...counts]);
      return counts;
    };
    one?.hits();
    await one?.shared.exchange(note);
    await one?.shared.exchange(note);
    expect(sent).toEqual([
      [{ limit: "requests per 60 s", client: "a", hits: 1, leftMs: WINDOW_MS }],
    ]);
  });
});

describe("an exchange", () => {
  test("that fails loses nothing", async () => {
    const { instances, exchangeAll } = open(2);
    const [one, two] = instances;
    one?.hits();
    const failed = one?.shared.exchange(() => Promise.reject(new Error("away")));
    await expect(failed).rejects.toThrow("away");
    expect(one?.hits()).toBe(2);
    await exchangeAll();
    two?.hits();
    await exchangeAll();
    expect(two?.hits()).toBe(4);
  });

  test("keeps the hits that come while it is in progress", async () => {
    const { instances } = open(1);
    const [one] = instances;
    one?.hits();
    const answer = Promise.withResolvers<readonly Count[]>();
    const exchanged = one?.shared.exchange(() => answer.promise);
    one?.hits();
    const total = { limit: "requests per 60 s", client: "a", hits: 100, leftMs: WINDOW_MS };
    answer.resolve([total]);
    await exchanged;
    expect(one?.hits()).toBe(102);
    const sent: Count[] = [];
    await one?.shared.exchange(async (counts) => {
      sent.push(...counts);
      return [];
    });
    expect(sent).toMatchObject([{ hits: 2 }]);
  });

  test("does not change a window that began while it was in progress", async () => {
    const { instances, pass } = open(1);
    const [one] = instances;
    one?.hits();
    const answer = Promise.withResolvers<readonly Count[]>();
    const exchanged = one?.shared.exchange(() => answer.promise);
    pass(WINDOW_MS);
    one?.hits();
    answer.resolve([{ limit: "requests per 60 s", client: "a", hits: 100, leftMs: 1 }]);
    await exchanged;
    expect(one?.hits()).toBe(2);
  });

  test("leaves out a window that is about to end, whose hits would count for the next", async () => {
    const { instances, rows, pass, exchangeAll } = open(1);
    instances[0]?.hits();
    pass(WINDOW_MS - 499);
    await exchangeAll();
    expect(rows.size).toBe(0);
  });

  test("has a part of the clients where there are many, and the next one the others", async () => {
    const { instances, rows, exchangeAll } = open(1, { batch: 2 });
    for (const client of ["a", "b", "c"]) instances[0]?.hits(client);
    await exchangeAll();
    expect(rows.size).toBe(2);
    instances[0]?.hits("a");
    await exchangeAll();
    expect(rows.size).toBe(3);
  });
});

test("only so many clients are shared within a window; the others count for each instance", async () => {
  const { instances, rows, exchangeAll, pass } = open(2, { capacity: 100 });
  const flood = (from: number) => {
    for (let number = from; number < from + 1000; number += 1) {
      for (const { hits } of instances) hits(`${number}`);
    }
  };
  flood(0);
  await exchangeAll();
  flood(1000);
  await exchangeAll();
  expect(rows.size).toBe(100);
  expect(instances[1]?.hits("0")).toBe(3);
  expect(instances[1]?.hits("500")).toBe(2);
  pass(WINDOW_MS);
  flood(2000);
  await exchangeAll();
  expect(rows.size).toBe(200);
});

test("limits of one name and window are one limit, also within an instance", async () => {
  const shared = createSharedCounts();
  const open = (name: string, windowMs: number) => {
    const onHit = shared.of(name, { requests: 10, windowMs });
    return createFixedWindows({ windowMs, onHit });
  };
  const [one, same, other] = [open("keys", 1000), open("keys", 1000), open("keys", 60_000)];
  for (const windows of [one, same, other]) windows.count("a");
  await shared.exchange(async (counts) => {
    expect(counts.map(({ limit }) => limit)).toEqual([
      ...["keys per 1 s", "keys per 1 s", "keys per 60 s"],
    ]);
    return counts.map((count) => ({ ...count, hits: count.limit === "keys per 1 s" ? 2 : 1 }));
  });
  expect([one, same, other].map((windows) => windows.count("a").hits)).toEqual([3, 3, 2]);
});

test("whatever comes when: what is let through beyond the limit comes within a second, or is new to its instance", async () => {
  const [LIMIT, INTERVAL_MS] = [10, 500];
  const step = fc.record({ instance: fc.nat(2), after: fc.nat(300) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 60, maxLength: 150 }),
      fc.array(fc.nat(INTERVAL_MS - 1), { minLength: 3, maxLength: 3 }),
      async (steps, phases) => {
        const { instances, pass } = open(3);
        let time = 0;
        const wait = async (milliseconds: number) => {
          for (const end = time + milliseconds; time < end; time += 1, pass(1)) {
            for (const [index, instance] of instances.entries()) {
              if (time % INTERVAL_MS === phases[index]) await instance.exchange();
            }
          }
        };
        const letThrough: { instance: number; at: number }[] = [];
        for (const { instance, after } of steps) {
          await wait(after);
          const isLetThrough = (instances[instance]?.hits() ?? 0) <= LIMIT;
          if (isLetThrough) letThrough.push({ instance, at: time });
        }
        const known = (letThrough[LIMIT - 1]?.at ?? Number.POSITIVE_INFINITY) + 2 * INTERVAL_MS;
        const late = letThrough.filter(({ at }) => at > known);
        // One that has not seen the client for a while learns the total with its next exchange.
        for (const { instance, at } of late) {
          const first = late.find((each) => each.instance === instance)?.at ?? 0;
          expect(at - first).toBeLessThanOrEqual(INTERVAL_MS);
        }
      },
    ),
    { numRuns: 50 },
  );
});
