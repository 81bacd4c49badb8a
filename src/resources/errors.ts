import { DomainError } from "../errors.ts";
import { requireTimeLeft } from "../time.ts";
import { isSameValue, type Values } from "./field.ts";
import { type Entry, inWords, type Resource, startOfSentence } from "./resource.ts";
import type { OperationLimits, Precondition } from "./store.ts";

export function entryNotFound({ one }: Resource, id: number | string): DomainError {
  return new DomainError("entry_not_found", `There is no ${inWords(one)} ${id}.`, {
    summary: `${startOfSentence(one)} not found`,
  });
}

export function entryChanged({ one }: Resource, id: number): DomainError {
  return new DomainError(
    "precondition_failed",
    `${startOfSentence(one)} ${id} is not in the state you expect.`,
  );
}

/**
 * The entry that a change is about to be made to.
 *
 * @throws {DomainError} `entry_not_found` or `precondition_failed`.
 */
export function requireEntry(
  resource: Resource,
  id: number,
  entry: Entry | undefined,
  precondition?: Precondition,
): Entry {
  if (!entry) throw entryNotFound(resource, id);
  if (precondition && precondition.updatedAt !== entry.updated_at) throw entryChanged(resource, id);
  return entry;
}

/** @throws {DomainError} `idempotency_key_reused` when the earlier call had another input. */
export function requireSameInput({ fields }: Resource, earlier: Entry, input: Values): void {
  const isSame = Object.keys(fields).every((name) =>
    isSameValue(earlier[name] ?? null, input[name]),
  );
  if (isSame) return;
  throw new DomainError(
    "idempotency_key_reused",
    "This Idempotency-Key came with another body in the last 24 hours; use a new key.",
  );
}

/** @throws {DomainError} `request_timeout` or `connection_lost` where an operation is not wanted any more. */
export function requireWanted({ deadline, signal }: OperationLimits = {}): void {
  requireTimeLeft(deadline);
  if (!signal?.aborted) return;
  const detail = "The connection ended before the answer was ready; nothing was changed.";
  throw new DomainError("connection_lost", detail);
}
