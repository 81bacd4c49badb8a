import { expect, jest, spyOn, test } from "bun:test";
import { books } from "../../books.ts";
import type { SqliteConnection } from "../../database/sqlite.ts";
import { createSqliteDatabase } from "../../database/sqlite-database.ts";
import { createSqliteStore } from "./sqlite.ts";

const DUNE = { title: "Dune", author: "Frank Herbert", year: 1965 };

const storeOn = (connection: SqliteConnection) =>
  createSqliteStore(createSqliteDatabase(connection), books, Date.now);

test("a file that cannot be read is the database's fault", async () => {
  const cause = Object.assign(new Error("disk I/O error"), { errcode: 10 });
  const prepare = () => {
    throw cause;
  };
  const store = storeOn({ exec: () => {}, prepare, close: () => {} });
  const unavailable = { code: "store_unavailable", cause };
  await expect(store.get(1)).rejects.toMatchObject(unavailable);
  await expect(store.create(DUNE)).rejects.toMatchObject(unavailable);
});

/** Lets everything happen that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

test("a write tries for 5 seconds to get the lock, and pauses up to 25 ms between two tries", async () => {
  const cause = Object.assign(new Error("database is locked"), { errcode: 5 });
  let tries = 0;
  const exec = (sql: string) => {
    if (sql !== "BEGIN IMMEDIATE") return;
    tries += 1;
    throw cause;
  };
  const prepare = () => ({ get: () => undefined, all: () => [] });
  jest.useFakeTimers();
  // The longest pause every time.
  const random = spyOn(Math, "random").mockReturnValue(1);
  try {
    const failure = storeOn({ exec, prepare, close: () => {} })
      .create(DUNE)
      .catch((error: unknown) => error);
    let isOver = false;
    void failure.then(() => {
      isOver = true;
    });
    await settle();
    expect(tries).toBe(1);
    for (let elapsed = 1; elapsed <= 5000; elapsed += 1) {
      jest.advanceTimersByTime(1);
      await settle();
      expect(tries).toBe(1 + Math.floor(elapsed / 25));
      expect(isOver).toBe(false);
    }
    jest.advanceTimersByTime(25);
    await settle();
    expect(isOver).toBe(true);
    expect(await failure).toMatchObject({ code: "store_unavailable", cause });
  } finally {
    random.mockRestore();
    jest.useRealTimers();
  }
});
