import { afterAll, test as bunTest } from "bun:test";

/** The cases that cannot hold on a target, by name, with the reason. */
export type Exceptions = Readonly<Record<string, string>>;

let exceptions: Exceptions = {};
let missed = new Set<string>();

/**
 * Registers the cases of `register` but for the exceptions, which are skipped under a name with the
 * reason. An exception that is the name of no case fails when the cases are over.
 *
 * Bun collects what a `describe` within holds when the `describe` around it is done, and before the
 * next one at the same level: until then the exceptions are these.
 */
export function registerCases(excepted: Exceptions, register: () => void): void {
  const unmet = new Set(Object.keys(excepted));
  exceptions = excepted;
  missed = unmet;
  register();
  afterAll(() => {
    if (unmet.size > 0) throw new Error(`There is no case named: ${[...unmet].join("; ")}`);
  });
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
