import { DomainError } from "../../errors.ts";
import { withDeadline } from "../../time.ts";
import type { ServedRequest } from "../env.ts";

/** How long a store may take to undo what it was doing, or to learn that it was done after all. */
const OUTCOME_MS = 2000;

const CHANGES_NOTHING = new Set(["GET", "HEAD"]);

/**
 * Limits the time for the work on a request. At the limit the read of the body stops, and so does what a
 * store does for the request: by the deadline of the request, it knows that nothing may be written after it.
 * The answer waits a moment for the store, so that it says what really happened.
 *
 * @throws {DomainError} `request_timeout` if the work takes longer than `seconds`.
 */
export function withinTime(
  work: Promise<void>,
  { seconds, method, request }: { seconds: number; method: string; request: ServedRequest },
): Promise<void> {
  return withDeadline(work, seconds * 1000, () => {
    const timeout = new DomainError("request_timeout", `No answer was ready within ${seconds} s.`);
    request.abandonBody?.(timeout);
    if (CHANGES_NOTHING.has(method) && !request.abandonBody) throw timeout;
    return withDeadline(work, OUTCOME_MS, () => {
      throw timeout;
    });
  });
}
