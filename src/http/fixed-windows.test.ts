import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createFixedWindows } from "./fixed-windows.ts";

const WINDOW_MS = 1000;

function open(capacity?: number) {
  let now = 1_000_000;
  const windows = createFixedWindows({
    windowMs: WINDOW_MS,
    now: () => now,
    ...(capacity && { capacity }),
  });
  return {
    windows,
    now: () => now,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    hits: (key: string) => windows.count(key).hits,
  };
}

test("each key counts for itself", () => {
  const { hits } = open();
  expect([hits("a"), hits("a"), hits("b"), hits("a")]).toEqual([1, 2, 1, 3]);
});

test("a window starts with its first hit, and ends after its length", () => {
  const { windows, hits, now, pass } = open();
  const endsAt = now() + WINDOW_MS;
  expect(windows.count("a").endsAt).toBe(endsAt);
  pass(WINDOW_MS - 1);
  expect(windows.count("a")).toEqual({ hits: 2, endsAt });
  pass(1);
  expect(hits("a")).toBe(1);
});

test("a window tells how long it still has", () => {
  const { windows, pass } = open();
  const window = windows.count("a");
  expect(windows.left(window)).toBe(WINDOW_MS);
  pass(400);
  expect(windows.left(window)).toBe(600);
  pass(WINDOW_MS);
  expect(windows.left(window)).toBe(0);
});

describe("memory", () => {
  test("holds at most its capacity of keys, and keeps those that were seen last", () => {
    const { windows, hits } = open(100);
    for (let number = 0; number < 100_000; number += 1) {
      hits(`key ${number}`);
      hits("who goes on");
      expect(windows.size()).toBeLessThanOrEqual(100);
    }
    expect(hits("who goes on")).toBe(100_001);
  });

  test("holds 100,000 keys by default", () => {
    const { windows, hits } = open();
    for (let number = 0; number < 250_000; number += 1) hits(`key ${number}`);
    expect(windows.size()).toBe(100_000);
  });

  test("forgets expired windows", () => {
    const { windows, hits, pass } = open();
    for (let number = 0; number < 1000; number += 1) hits(`key ${number}`);
    expect(windows.size()).toBe(1000);
    for (const key of ["a", "b"]) {
      pass(WINDOW_MS);
      hits(key);
    }
    expect(windows.size()).toBe(2);
  });
});

test("counts like a plain list of hits, at any times", () => {
  const hit = fc.record({ key: fc.constantFrom("a", "b", "c"), after: fc.nat(700) });
  fc.assert(
    fc.property(fc.array(hit, { maxLength: 50 }), (sequence) => {
      const { hits, now, pass } = open();
      const model = new Map<string, { startedAt: number; count: number }>();
      for (const { key, after } of sequence) {
        pass(after);
        const known = model.get(key);
        const isOpen = known !== undefined && now() - known.startedAt < WINDOW_MS;
        const window = isOpen ? known : { startedAt: now(), count: 0 };
        window.count += 1;
        model.set(key, window);
        expect(hits(key)).toBe(window.count);
      }
    }),
  );
});
