import { DomainError } from "../../errors.ts";

/** What a small answer may hold until its client has taken it; a page of a list has no more. */
export const ANSWER_BYTES = 64 * 1024;

/** Limits the memory that requests and answers hold. */
export type MemoryBudget = ReturnType<typeof createMemoryBudget>;

/**
 * Keeps account of the memory that requests and answers in flight may hold, of which there may be `bytes`.
 *
 * @param bytes unlimited by default.
 */
export function createMemoryBudget(bytes = Number.POSITIVE_INFINITY) {
  let taken = 0;
  /** Of the answers that may still be unsent. */
  let largestAnswer = ANSWER_BYTES;

  /** Where nothing else is held there is always room: a limit that is too small only makes requests wait. */
  function requireRoom(wanted: number, unsent: number): void {
    if (unsent === 0) largestAnswer = ANSWER_BYTES;
    const held = taken + unsent * largestAnswer;
    if (held === 0 || held + wanted <= bytes) return;
    throw new DomainError(
      "overloaded",
      "The requests and answers in flight hold all memory that they may; try again later.",
    );
  }

  return {
    /** Takes note of an answer that was made. */
    answered(bytes: number): void {
      largestAnswer = Math.max(largestAnswer, bytes);
    },

    /**
     * Makes sure that one more answer may be made.
     *
     * @param unsent how many answers wait for their clients.
     * @throws {DomainError} `overloaded`
     */
    requireRoomForAnswer: (unsent: number) => requireRoom(ANSWER_BYTES, unsent),

    /**
     * Takes memory for a body or an answer.
     *
     * @returns a function that gives it back.
     * @throws {DomainError} `overloaded`
     */
    take(wanted: number, unsent = 0): () => void {
      requireRoom(wanted, unsent);
      taken += wanted;
      return () => {
        taken -= wanted;
      };
    },
  };
}
