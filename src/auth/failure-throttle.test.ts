import { expect, test } from "bun:test";
import { createFailureThrottle } from "./failure-throttle.ts";

function open({ requests = 2, windowMs = 1000, maxAddresses = 3 } = {}) {
  let now = 0;
  const throttle = createFailureThrottle({ requests, windowMs }, () => now, maxAddresses);
  return {
    ...throttle,
    at: (time: number) => {
      now = time;
    },
    /** The seconds after which an address may try again; 0 for at once. */
    wait: (address: string, keyName?: string) => {
      const refusal = throttle.refusal(address, keyName);
      if (!refusal) return 0;
      expect(refusal.code).toBe("too_many_failures");
      expect(refusal.message).toContain(` ${refusal.retryAfterSeconds} s`);
      return refusal.retryAfterSeconds ?? 0;
    },
  };
}

test("an address may fail up to the limit, and others are not affected", () => {
  const { count, wait } = open({ windowMs: 60_000 });
  count("a");
  expect(wait("a")).toBe(0);
  count("a");
  expect(wait("a")).toBe(60);
  expect(wait("b")).toBe(0);
});

test("it may fail again when the window ends, and further failures do not extend the window", () => {
  const { count, wait, at } = open({ windowMs: 2500 });
  at(100);
  count("a");
  at(2000);
  count("a");
  count("a");
  expect(wait("a")).toBe(1);
  at(2599);
  expect(wait("a")).toBe(1);
  at(2600);
  expect(wait("a")).toBe(0);
  count("a");
  expect(wait("a")).toBe(0);
});

test("beyond the number of addresses that are kept, the one that failed first is forgotten", () => {
  const { count, wait, at } = open({ requests: 1, maxAddresses: 2 });
  for (const [index, address] of ["a", "b", "c"].entries()) {
    at(index);
    count(address);
  }
  expect(["a", "b", "c"].map((address) => wait(address))).toEqual([0, 1, 1]);
});

test("a flood of addresses does not exceed the capacity", () => {
  const { count, wait } = open({ requests: 1, maxAddresses: 100 });
  for (let index = 0; index < 10_000; index += 1) count(`address-${index}`);
  const kept = Array.from({ length: 10_000 }, (_, index) => wait(`address-${index}`));
  expect(kept.filter((seconds) => seconds > 0)).toHaveLength(100);
});

test("10,000 addresses are kept by default, and as many pairs of an address and a key", () => {
  const throttle = createFailureThrottle({ requests: 1, windowMs: 1000 }, () => 0);
  const addresses = Array.from({ length: 20_000 }, (_, index) => `address-${index}`);
  for (const address of addresses) throttle.count(address);
  expect(addresses.filter((address) => throttle.refusal(address))).toHaveLength(10_000);

  const names = Array.from({ length: 20_000 }, (_, index) => `key-${index}`);
  for (const name of names) throttle.remember("a", name);
  throttle.count("a");
  expect(names.filter((name) => !throttle.refusal("a", name))).toHaveLength(10_000);
});

test("a key that was accepted from an address is not blocked by other clients there", () => {
  const { count, remember, wait } = open({ requests: 1 });
  remember("a", "reader");
  for (const address of ["a", "b"]) count(address);
  expect(wait("a", "reader")).toBe(0);
  expect(wait("a", "writer")).toBe(1);
  expect(wait("a")).toBe(1);
  expect(wait("b", "reader")).toBe(1);
});

test("beyond the number of keys that are kept, the one that was accepted longest ago is forgotten", () => {
  const { count, remember, wait } = open({ requests: 1, maxAddresses: 2 });
  for (const name of ["first", "second", "first", "third"]) remember("a", name);
  count("a");
  expect(["first", "second", "third"].map((name) => wait("a", name))).toEqual([0, 1, 0]);
});
