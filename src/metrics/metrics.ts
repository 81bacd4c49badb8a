import type { StoreOperation } from "../books/observed-store.ts";
import type { ErrorCode } from "../errors.ts";

/**
 * Why requests are turned away whatever they ask for: by a limit, for want of a key, or for want of the
 * database. A client's mistakes in what it asks for are in the statuses alone.
 */
export const REFUSALS = [
  "api_key_required",
  "invalid_api_key",
  "insufficient_scope",
  "too_many_failures",
  "rate_limited",
  "overloaded",
  "uri_too_long",
  "headers_too_large",
  "body_too_large",
  "request_timeout",
  "store_unavailable",
] as const satisfies readonly ErrorCode[];
export type Refusal = (typeof REFUSALS)[number];

/** A request that was answered: by a route's template, or `other` where there is no route. */
export type AnsweredRequest = { method: string; route: string; status: number };

/** What the service tells of itself while it works. Each call costs less than a microsecond. */
export interface Metrics {
  requestBegan(): void;
  /** @param seconds from when the request began until its response was returned. */
  requestEnded(request: AnsweredRequest, seconds: number): void;
  /** Takes the code of any error, and counts those that are among the {@link REFUSALS}. */
  requestRefused(code: ErrorCode): void;
  /** The keys were read again, or could not be. */
  keysReloaded(ok: boolean): void;
  storeOperationEnded(operation: StoreOperation, seconds: number): void;
}
