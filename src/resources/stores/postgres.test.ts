import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type FreshDatabase, freshDatabase } from "../../../test/postgres.ts";
import { books } from "../../books.ts";
import type { PostgresDatabase } from "../../database/postgres.ts";
import { openPostgresDatabase } from "../../server/database/postgres.ts";
import { createStore, type StoreOf } from "./create-store.ts";

// On a busy machine, PostgreSQL takes its time to start.
setDefaultTimeout(60_000);

const DUNE = { title: "Dune", author: "Frank Herbert", year: 1965 };

let fresh: FreshDatabase;
let proxy: Server;
let database: PostgresDatabase;
let store: StoreOf<typeof books>;
/** How often the client sent something and had to wait for an answer. */
let roundTrips = 0;

beforeAll(async () => {
  fresh = await freshDatabase();
  const url = new URL(fresh.url);
  const { port, hostname } = url;
  proxy = createServer((client) => countRoundTrips(client, connect(Number(port), hostname)));
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  url.port = String((proxy.address() as { port: number }).port);
  database = openPostgresDatabase(url.href, { poolSize: 1 });
  await database.migrate();
  store = createStore(database, books);
});

afterAll(async () => {
  await database.close();
  proxy.close();
  await fresh.drop();
});

function countRoundTrips(client: Socket, server: Socket): void {
  let hasAnswer = true;
  client.on("data", (sent) => {
    if (hasAnswer) roundTrips += 1;
    hasAnswer = false;
    server.write(sent);
  });
  server.on("data", (answer) => {
    hasAnswer = true;
    client.write(answer);
  });
  client.on("close", () => server.destroy());
  server.on("close", () => client.destroy());
}

/** The round trips of an operation whose statements the server has prepared. */
async function roundTripsOf(operation: (turn: number) => Promise<unknown>): Promise<number> {
  for (let turn = 0; turn < 3; turn += 1) await operation(turn);
  roundTrips = 0;
  await operation(3);
  return roundTrips;
}

const add = async () => (await store.create(DUNE)).entry;

/** As many books as an operation is repeated. */
const addBooks = () => Promise.all([0, 1, 2, 3].map(add));

test("an operation that the server has seen before takes one round trip", async () => {
  const { id } = await add();
  const query = { limit: 50, sort: { field: "id", descending: false }, words: [], filters: {} };
  expect(await roundTripsOf(() => store.get(id))).toBe(1);
  expect(await roundTripsOf(() => store.list(query))).toBe(1);
  expect(await roundTripsOf(() => store.create(DUNE))).toBe(1);
  expect(await roundTripsOf((turn) => store.create(DUNE, `key ${turn}`))).toBe(1);
  expect(await roundTripsOf(() => store.create(DUNE, "key"))).toBe(1);
  expect(await roundTripsOf(() => store.update(id, { year: 1 }))).toBe(1);
  expect(await roundTripsOf(() => store.update(id, DUNE))).toBe(1);
  const all = await addBooks();
  const ids = all.map((book) => book.id);
  expect(await roundTripsOf((turn) => store.delete(ids[turn] ?? 0))).toBe(1);
});

test("with a precondition too, as long as it holds", async () => {
  let book = await add();
  const change = async () => {
    book = await store.update(book.id, { year: 1 }, { updatedAt: book.updated_at });
  };
  expect(await roundTripsOf(change)).toBe(1);
  const all = await addBooks();
  const remove = async (turn: number) => {
    const { id, updated_at: updatedAt } = all[turn] ?? book;
    await store.delete(id, { updatedAt });
  };
  expect(await roundTripsOf(remove)).toBe(1);
});

test("an update of some of the searched fields takes two: their words depend on the others", async () => {
  const { id } = await add();
  expect(await roundTripsOf((turn) => store.update(id, { title: `Dune ${turn}` }))).toBe(2);
});

/** A store before each change of which another user of the database does something. */
function storeAfter(interfere: () => Promise<unknown>): StoreOf<typeof books> {
  const change: PostgresDatabase["change"] = async (work, deadline) => {
    await interfere();
    return database.change(work, deadline);
  };
  return createStore({ ...database, change }, books);
}

test("a change begins again where others change the rest of the words before it", async () => {
  const { id } = await add();
  let times = 0;
  const interfered = storeAfter(async () => {
    times += 1;
    if (times <= 2) await store.update(id, { title: `Arrakis ${times}` });
  });
  const changed = await interfered.update(id, { author: "Nobody" });
  expect(changed).toMatchObject({ title: "Arrakis 2", author: "Nobody", year: 1965 });
  expect(times).toBe(3);
  const sort = { field: "id", descending: false };
  const find = (words: string[]) => store.list({ limit: 9, sort, words, filters: {} });
  expect(await find(["arrakis", "2", "nobody"])).toEqual([changed]);
});

test("a change that others come before every time is refused at last", async () => {
  const { id } = await add();
  let times = 0;
  const interfered = storeAfter(async () => {
    times += 1;
    await store.update(id, { title: `Arrakis ${times}` });
  });
  await expect(interfered.update(id, { author: "Nobody" })).rejects.toMatchObject({
    code: "store_unavailable",
    cause: { message: `book ${id} changed 10 times in the meantime` },
  });
  expect(await store.get(id)).toMatchObject({ title: "Arrakis 10", author: "Frank Herbert" });
});

test("an idempotency key that is always taken by others, and free again, is refused at last", async () => {
  const taken: PostgresDatabase = { ...database, change: async <T>() => [] as T };
  await expect(createStore(taken, books).create(DUNE, "taken")).rejects.toMatchObject({
    code: "store_unavailable",
  });
});

test("nothing is sent for a client that has gone", async () => {
  const { id } = await add();
  const limits = { signal: AbortSignal.abort() };
  for (const write of [
    () => store.create(DUNE, undefined, limits),
    () => store.create(DUNE, "gone", limits),
    () => store.update(id, { year: 1 }, undefined, limits),
    () => store.delete(id, undefined, limits),
  ]) {
    await expect(write()).rejects.toMatchObject({ code: "connection_lost" });
  }
  expect((await store.create(DUNE, "gone")).replayed).toBe(false);
  expect(await store.get(id)).toMatchObject(DUNE);
});
