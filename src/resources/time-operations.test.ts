import { expect, test } from "bun:test";
import { createRecorder } from "../telemetry/metrics.ts";
import { observeStore } from "./observed-store.ts";
import { createMemoryBookStore } from "./stores/memory.ts";
import { timeOperations } from "./time-operations.ts";

const BOOK = { title: "Emma", author: "Jane Austen", year: 1815 };

test("every operation on books is timed under its name, failed ones too, and a ping is not", async () => {
  const { metrics, records } = createRecorder(Date.now);
  const store = observeStore(createMemoryBookStore(Date.now), timeOperations(metrics));
  await store.ping();
  const { book } = await store.create(BOOK);
  await store.get(book.id);
  await store.list({ limit: 1, sort: { field: "id", descending: false }, words: [] });
  await store.update(book.id, { year: 1816 });
  await store.delete(book.id);
  await expect(store.delete(book.id)).rejects.toMatchObject({ code: "book_not_found" });
  const counts = Array.from(records.storeOperations(), ({ labels, durations }) => [
    labels.resource,
    labels.operation,
    durations.count,
  ]);
  expect(counts).toEqual([
    ["books", "create", 1],
    ["books", "get", 1],
    ["books", "list", 1],
    ["books", "update", 1],
    ["books", "delete", 2],
  ]);
});
