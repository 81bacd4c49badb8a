import { expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { maxFds, openFds, virtualBytes } from "./process-usage.ts";

test("an open file is one more descriptor", () => {
  const before = openFds() ?? 0;
  const file = openSync(import.meta.path, "r");
  expect(openFds()).toBe(before + 1);
  closeSync(file);
  expect(openFds()).toBe(before);
});

test("what the system does not say is nothing, and no zero", () => {
  for (const read of [virtualBytes, openFds, maxFds]) {
    expect(read("/no/such/directory")).toBeUndefined();
    expect(read()).toBeGreaterThan(0);
  }
});
