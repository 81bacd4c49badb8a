import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createPostgres, type PostgresServer } from "../../test/postgres.ts";
import { eventually } from "../../test/service.ts";
import type { PostgresDatabase } from "../database/postgres.ts";
import { createFixedWindows } from "../http/fixed-windows.ts";
import {
  type Count,
  createSharedCounts,
  type Exchange,
  type SharedCounts,
} from "../http/shared-counts.ts";
import { createLogger } from "../telemetry/logger.ts";
import { openPostgresDatabase } from "./database/postgres.ts";
import { startSharedLimits } from "./shared-limits.ts";

setDefaultTimeout(60_000);

const RATE = { requests: 10, windowMs: 60_000 };

let server: PostgresServer;

beforeAll(async () => {
  server = await createPostgres();
  await server.start();
});

afterAll(() => server.stop());

const ignore = createLogger({ level: "ERROR", format: "text", clock: Date.now, write: () => {} });

type Options = {
  counts?: Pick<SharedCounts, "exchange">;
  cleanIntervalMs?: number;
};

/** An instance that shares its counts every 20 ms. */
function start({ counts, cleanIntervalMs }: Options = {}) {
  const log: { level: string; message: string }[] = [];
  const logger = createLogger({
    ...{ level: "INFO", format: "json", clock: Date.now },
    write: (line) => log.push(JSON.parse(line)),
  });
  const database = openPostgresDatabase(server.url);
  const shared = createSharedCounts();
  const windows = createFixedWindows({
    ...{ windowMs: RATE.windowMs, onHit: shared.of("requests", RATE) },
  });
  const stop = startSharedLimits({
    ...{ database, logger, counts: counts ?? shared, intervalMs: 20 },
    ...(cleanIntervalMs !== undefined && { cleanIntervalMs }),
  });
  return {
    database,
    log,
    count: (client: string) => windows.count(client),
    left: (client: string) => windows.left(windows.count(client)),
    [Symbol.asyncDispose]: async () => {
      await stop();
      await database.close();
    },
  };
}

const read = (database: PostgresDatabase, sql: string) => database.read((query) => query(sql));

test("instances learn the counts of each other, and the end of the window", async () => {
  await using one = start();
  await using two = start();
  await one.database.migrate();
  const client = "both";
  for (let turn = 0; turn < 500; turn += 1) one.count(client);
  await Bun.sleep(500);
  await eventually("the other knows", () => two.count(client).hits > 500 || undefined);
  expect(two.left(client)).toBeLessThanOrEqual(RATE.windowMs - 300);
  expect(Math.abs(two.left(client) - one.left(client))).toBeLessThan(1000);
});

describe("a table of counts", () => {
  /** Runs one exchange with these counts. */
  async function exchange(counts: readonly Count[]): Promise<readonly Count[]> {
    const done = Promise.withResolvers<readonly Count[]>();
    const once = (send: Exchange) => send(counts).then(done.resolve, done.reject);
    await using _instance = start({ counts: { exchange: once } });
    return done.promise;
  }

  const count = (client: string, leftMs = 60_000): Count => ({
    ...{ limit: "tests per 60 s", client, hits: 2, leftMs },
  });

  test("adds up what is sent twice at once", async () => {
    const [total, ...more] = await exchange([count("twice"), count("twice")]);
    expect(more).toEqual([]);
    expect(total).toMatchObject({ client: "twice" });
    expect((total?.hits ?? 0) % 4).toBe(0);
  });

  test("begins a window again that is over", async () => {
    await exchange([{ ...count("over", 1), hits: 1_000_000 }]);
    await Bun.sleep(5);
    const [total] = await exchange([count("over")]);
    expect(total?.leftMs).toBeGreaterThan(50_000);
    expect(total?.hits).toBeLessThan(1_000_000);
  });

  test("is never locked in a circle, in whatever order clients are sent", async () => {
    const clients = Array.from({ length: 1000 }, (_, index) => count(`many ${index}`));
    let exchanges = 0;
    const counts = (order: readonly Count[]): Pick<SharedCounts, "exchange"> => ({
      exchange: async (send) => {
        await send(order);
        exchanges += 1;
      },
    });
    await using one = start({ counts: counts(clients) });
    await using two = start({ counts: counts(clients.toReversed().slice(300)) });
    await eventually("a hundred exchanges", () => exchanges > 100 || undefined);
    expect([...one.log, ...two.log]).toEqual([]);
  });

  test("keeps no window that is over, and every other", async () => {
    await exchange([count("gone", 1), count("kept")]);
    await using instance = start({ cleanIntervalMs: 20 });
    const clients = async () => {
      const rows = await read(
        instance.database,
        "SELECT client FROM limit_counts WHERE client IN ('gone', 'kept')",
      );
      return rows.map(({ client }) => client);
    };
    await eventually("it is gone", async () => !(await clients()).includes("gone") || undefined);
    expect(await clients()).toEqual(["kept"]);
  });

  test("is not written to the log of changes, which would be of no use", async () => {
    await using instance = start();
    const [row] = await read(
      instance.database,
      "SELECT relpersistence FROM pg_class WHERE relname = 'limit_counts'",
    );
    expect(row?.relpersistence).toBe("u");
  });
});

test("a pool that is full with requests does not end it", async () => {
  await using one = start();
  await using two = start();
  await one.database.migrate();
  let isFull = true;
  const held = Array.from({ length: 20 }, () => read(one.database, "SELECT pg_sleep(2)"));
  const ended = Promise.all(held).then(() => {
    isFull = false;
  });
  const client = "full";
  for (let turn = 0; turn < 500; turn += 1) one.count(client);
  await eventually("the other knows", () => two.count(client).hits > 500 || undefined);
  expect([isFull, one.log]).toEqual([true, []]);
  await ended;
});

test("without the database an instance counts for itself, and says so once, and again at the end", async () => {
  await using one = start();
  const client = "alone";
  one.count(client);
  await server.stop();
  const messages = () => one.log.map(({ level, message }) => [level, message]);
  const ALONE = ["WARNING", "limits count for this instance alone until the database answers"];
  for (let hits = 2; hits < 6; hits += 1) {
    expect(one.count(client).hits).toBe(hits);
    await eventually("it is alone", () => one.log.length > 0 || undefined);
    await Bun.sleep(50);
  }
  expect(messages()).toEqual([ALONE]);
  await server.start();
  await eventually("it is not alone", () => one.log.length > 1 || undefined);
  expect(messages()).toEqual([ALONE, ["INFO", "limits count for all instances again"]]);
  await using two = start();
  await eventually("nothing is lost", () => two.count(client).hits > 5 || undefined);
});

test("the end of a service is no reason to warn", async () => {
  const log: string[] = [];
  const logger = { ...ignore, warning: (message: string) => void log.push(message) };
  const gate = Promise.withResolvers<never>();
  const database = { change: () => gate.promise, changeUrgently: () => gate.promise };
  const stop = startSharedLimits({
    ...{ database, logger },
    counts: { exchange: async (send) => void (await send([])) },
  });
  const stopped = stop();
  gate.reject(new Error("closed"));
  await stopped;
  expect(log).toEqual([]);
});
