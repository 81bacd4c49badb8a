import { expect, test } from "bun:test";
import { books } from "../books.ts";
import { createMemoryDatabase } from "../database/memory.ts";
import { DomainError } from "../errors.ts";
import { createRecorder } from "../telemetry/metrics.ts";
import { continueTrace, type Trace } from "../telemetry/trace-context.ts";
import type { FinishedSpan, Tracing } from "../telemetry/tracing.ts";
import { instrumentStore } from "./instrumented-store.ts";
import type { Resource } from "./resource.ts";
import type { Store } from "./store.ts";
import { createStore } from "./stores/create-store.ts";

const BOOK = { title: "Emma", author: "Jane Austen", year: 1815 };
const ALL = { limit: 1, sort: { field: "id", descending: false }, words: [], filters: {} };
const TRACE = continueTrace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", undefined);
const NAMES = { resource: "books", system: "sqlite" };

const memoryStore = () => createStore(createMemoryDatabase(), books as Resource);

/** Keeps what is recorded, and runs everything within one trace, if there is one. */
function recording(trace: Trace | undefined) {
  const spans: FinishedSpan[] = [];
  let current = trace;
  const tracing: Tracing = {
    scope: {
      current: () => current,
      run: (inner, work) => {
        const outer = current;
        current = inner;
        try {
          return work();
        } finally {
          current = outer;
        }
      },
    },
    spans: { samples: () => true, record: (span) => spans.push(span) },
  };
  return { spans, tracing };
}

/** Every operation once, and a deletion that fails. */
async function useEverything(store: Store): Promise<void> {
  await store.addSamples([]);
  const { entry } = await store.create(BOOK);
  await store.get(entry.id);
  await store.list(ALL);
  await store.update(entry.id, { year: 1816 });
  await store.delete(entry.id);
  await expect(store.delete(entry.id)).rejects.toMatchObject({ code: "entry_not_found" });
}

test("every operation is timed under its name, failed ones too, and samples are not", async () => {
  const { metrics, records } = createRecorder(Date.now);
  await useEverything(instrumentStore(memoryStore(), { ...NAMES, metrics }));
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

test("every operation of a request that is sampled is a span of it", async () => {
  const { spans, tracing } = recording(TRACE);
  await useEverything(instrumentStore(memoryStore(), { ...NAMES, tracing }));
  expect(spans.map(({ name }) => name)).toEqual([
    "create books",
    "get books",
    "list books",
    "update books",
    "delete books",
    "delete books",
  ]);
  for (const { trace, kind, failed, attributes } of spans) {
    expect(trace).toMatchObject({ traceId: TRACE.traceId, parentSpanId: TRACE.spanId });
    expect(trace.spanId).not.toBe(TRACE.spanId);
    // That there is no such entry is an answer.
    expect({ kind, failed }).toEqual({ kind: "client", failed: false });
    expect(attributes).toMatchObject({
      "db.system.name": "sqlite",
      "db.collection.name": "books",
      "error.type": undefined,
    });
  }
});

test("what goes wrong in the store is in its span, and is passed on", async () => {
  const faults = [
    [new DomainError("store_unavailable", "no"), "store_unavailable"],
    [new TypeError("no"), "TypeError"],
    ["no", "_OTHER"],
  ] as const;
  for (const [fault, type] of faults) {
    const { spans, tracing } = recording(TRACE);
    const get = () => Promise.reject(fault);
    const store = instrumentStore({ ...memoryStore(), get }, { ...NAMES, tracing });
    await expect(store.get(1)).rejects.toBe(fault as never);
    expect(spans).toMatchObject([{ failed: true, attributes: { "error.type": type } }]);
  }
});

test("an operation works within its own span", async () => {
  const { spans, tracing } = recording(TRACE);
  let seen: Trace | undefined;
  const get = async () => {
    seen = tracing.scope.current();
    return undefined;
  };
  await instrumentStore({ ...memoryStore(), get }, { ...NAMES, tracing }).get(1);
  expect(seen?.spanId).toBe(spans[0]?.trace.spanId ?? "");
});

test("outside of a request that is sampled there are no spans, and without both nothing is done", async () => {
  const { spans, tracing } = recording(undefined);
  await useEverything(instrumentStore(memoryStore(), { ...NAMES, tracing }));
  expect(spans).toEqual([]);
  const store = memoryStore();
  expect(instrumentStore(store, NAMES)).toBe(store);
  expect(instrumentStore(store, { ...NAMES, tracing: { scope: tracing.scope } })).toBe(store);
});
