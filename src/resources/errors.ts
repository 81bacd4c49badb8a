import { DomainError } from "../errors.ts";
import type { Book, BookInput } from "./book.ts";
import type { Precondition } from "./store.ts";

export function bookNotFound(id: number | string): DomainError {
  return new DomainError("book_not_found", `There is no book ${id}.`);
}

export function bookChanged(id: number): DomainError {
  return new DomainError("precondition_failed", `Book ${id} is not in the state you expect.`);
}

/**
 * The book that a change is about to be made to.
 *
 * @throws {DomainError} `book_not_found` or `precondition_failed`.
 */
export function requireBook(id: number, book: Book | undefined, precondition?: Precondition): Book {
  if (!book) throw bookNotFound(id);
  if (precondition && precondition.updatedAt !== book.updated_at) throw bookChanged(id);
  return book;
}

/** @throws {DomainError} `idempotency_key_reused` when the earlier call asked for another book. */
export function expectSameInput(earlier: Book, input: BookInput): void {
  const same =
    earlier.title === input.title && earlier.author === input.author && earlier.year === input.year;
  if (!same) {
    throw new DomainError(
      "idempotency_key_reused",
      "This Idempotency-Key came with another body in the last 24 hours; take a new key.",
    );
  }
}
