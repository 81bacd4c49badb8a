import { test as bunTest } from "bun:test";

/** The cases that cannot hold on a target, by name, with the reason. */
export type Exceptions = Readonly<Record<string, string>>;

let exceptions: Exceptions = {};
let missed = new Set<string>();

/**
 * Registers the cases of `register` but for the exceptions, which are skipped under a name with the
 * reason.
 *
 * @throws {Error} when an exception is the name of no case.
 */
export function registerCases(excepted: Exceptions, register: () => void): void {
  exceptions = excepted;
  missed = new Set(Object.keys(excepted));
  register();
  exceptions = {};
  if (missed.size > 0) throw new Error(`There is no case named: ${[...missed].join("; ")}`);
}

/** A case of the contract. */
export function test(name: string, body: () => void | Promise<void>): void {
  const reason = exceptions[name];
  if (reason === undefined) {
    bunTest(name, body);
    return;
  }
  missed.delete(name);
  bunTest.skip(`${name} (skipped: ${reason})`, body);
}
