import { DomainError } from "../../errors.ts";

/** How often a change is attempted while others come before it every time. */
const ATTEMPTS = 10;

/**
 * Attempts a change that depends on what was read before, until nothing has changed in between.
 *
 * @param attempt returns nothing where something has.
 * @throws {DomainError} `store_unavailable` where something has every time.
 */
export async function attemptChange<T>(
  what: string,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  for (let attempts = 0; attempts < ATTEMPTS; attempts += 1) {
    const result = await attempt();
    if (result !== undefined) return result;
  }
  throw new DomainError("store_unavailable", "The database cannot be used right now.", {
    cause: new Error(`${what} changed ${ATTEMPTS} times in the meantime`),
  });
}
