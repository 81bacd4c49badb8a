import { expect, test } from "bun:test";
import { createFailureThrottle } from "./failure-throttle.ts";

function open({ requests = 2, windowMs = 1000, maxAddresses = 4 } = {}) {
  let now = 0;
  const throttle = createFailureThrottle({ requests, windowMs }, { now: () => now, maxAddresses });
  return {
    at: (time: number) => {
      now = time;
    },
    /** Lets an address fail once. The seconds after which it may again; 0 for at once. */
    fail: (address: string) => {
      const refusal = throttle.count(address);
      if (!refusal) return 0;
      expect(refusal.code).toBe("too_many_failures");
      expect(refusal.message).toContain(` ${refusal.retryAfterSeconds} s`);
      return refusal.retryAfterSeconds ?? 0;
    },
  };
}

test("an address may fail up to the limit, and others are not affected", () => {
  const { fail } = open({ windowMs: 60_000 });
  expect(["a", "a", "a", "b"].map(fail)).toEqual([0, 0, 60, 0]);
});

test("it may fail again when the window ends, and further failures do not extend the window", () => {
  const { fail, at } = open({ windowMs: 2500 });
  at(100);
  fail("a");
  at(2000);
  fail("a");
  expect(fail("a")).toBe(1);
  at(2599);
  expect(fail("a")).toBe(1);
  at(2600);
  expect(fail("a")).toBe(0);
});

test("beyond the number of addresses that are kept, those that failed first are forgotten", () => {
  const { fail, at } = open({ requests: 1 });
  for (const [index, address] of ["a", "b", "c", "d", "e"].entries()) {
    at(index);
    fail(address);
  }
  expect(["e", "d", "a"].map(fail)).toEqual([1, 1, 0]);
});

test("10,000 addresses are kept by default", () => {
  const throttle = createFailureThrottle({ requests: 1, windowMs: 1000 }, { now: () => 0 });
  const names = Array.from({ length: 20_000 }, (_, index) => `address-${index}`);
  for (const name of names) throttle.count(name);
  // The last ones first, as each failure makes others forgotten.
  const refused = names.toReversed().slice(0, 5000).filter(throttle.count);
  expect(refused).toHaveLength(5000);
  expect(names.slice(0, 5000).filter(throttle.count)).toEqual([]);
});
