import { expect, test } from "bun:test";
import { createRecorder } from "../telemetry/recorder.ts";
import { observeStore } from "./observed-store.ts";
import { createMemoryBookStore } from "./stores/memory.ts";
import { timeOperations } from "./time-operations.ts";

const BOOK = { title: "Emma", author: "Jane Austen", year: 1815 };

test("every operation is timed under its name, failed ones too", async () => {
  const { metrics, records } = createRecorder(Date.now);
  const store = observeStore(createMemoryBookStore(Date.now), timeOperations(metrics));
  await store.ping();
  const { book } = await store.create(BOOK);
  await store.get(book.id);
  await store.list({ limit: 1, sort: { field: "id", descending: false }, words: [] });
  await store.update(book.id, { year: 1816 });
  await store.delete(book.id);
  await expect(store.delete(book.id)).rejects.toMatchObject({ code: "book_not_found" });
  const counts = Object.entries(records.storeOperations).map(([name, { count }]) => [name, count]);
  expect(Object.fromEntries(counts)).toEqual({
    ...{ ping: 1, create: 1, get: 1, list: 1, update: 1, delete: 2 },
  });
});
