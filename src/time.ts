import { deadlineExceeded } from "./errors.ts";

/** Milliseconds since the Unix epoch. It can be set, forward and back. */
export type Clock = () => number;

/** Milliseconds since some moment, which nobody sets: for durations. */
export type Elapsed = () => number;

/** The runtime's own. */
export const elapsed: Elapsed = () => performance.now();

/** Measures from now on. */
export function since(now: Elapsed): Elapsed {
  const startedAt = now();
  return () => now() - startedAt;
}

/** A moment by `performance.now()`, in milliseconds, by which an answer has to be ready. */
export type Deadline = number;

/** @throws {DomainError} `request_timeout` once the deadline has passed. */
export function requireTimeLeft(deadline: Deadline | undefined): void {
  if (deadline !== undefined && performance.now() >= deadline) throw deadlineExceeded();
}

/** The time now as RFC 3339 in UTC, with milliseconds. */
export function timestamp(clock: Clock): string {
  return rfc3339(clock());
}

/** Often the same time is written again: requests share a millisecond, and entries are made and last changed at once. */
let written = { at: 0, text: new Date(0).toISOString() };

/** Milliseconds since the Unix epoch as RFC 3339 in UTC. @throws {RangeError} for what is no time. */
export function rfc3339(at: number): string {
  if (at !== written.at) written = { at, text: new Date(at).toISOString() };
  return written.text;
}

/**
 * Settles like `work`. If `work` takes longer than `milliseconds`, it settles like `onExpiry`. The work
 * itself continues, because a promise cannot be stopped.
 */
export function withDeadline<T>(
  work: Promise<T>,
  milliseconds: number,
  onExpiry: () => T | Promise<T>,
): Promise<T> {
  // Every request pays for this, and one promise takes half the time of a race.
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      try {
        resolve(onExpiry());
      } catch (error) {
        reject(error);
      }
    }, milliseconds);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
