import type { Clock } from "../../time.ts";
import type { Book, BookInput } from "../book.ts";
import { expectSameInput, requireBook } from "../errors.ts";
import {
  type BookQuery,
  type BookStore,
  IDEMPOTENCY_WINDOW_MS,
  type Position,
  type Sort,
} from "../store.ts";
import { bookWords } from "../words.ts";

type Answer = { book: Book; createdAt: number };

/** A store that lives and ends with the process. */
export function createMemoryBookStore(clock: Clock, seed: readonly BookInput[] = []): BookStore {
  const books = new Map<number, Book>();
  const answers = new Map<string, Answer>();
  let lastId = 0;

  function add(input: BookInput): Book {
    const now = new Date(clock()).toISOString();
    lastId += 1;
    const book: Book = { id: lastId, ...pickInput(input), created_at: now, updated_at: now };
    books.set(book.id, book);
    return book;
  }

  for (const input of seed) add(input);

  return {
    async ping() {},

    async list(query) {
      return [...books.values()]
        .filter((book) => isListed(book, query))
        .sort((left, right) => compare(left, positionOf(right, query.sort), query.sort))
        .slice(0, query.limit)
        .map((book) => ({ ...book }));
    },

    async get(id) {
      const book = books.get(id);
      return book && { ...book };
    },

    async create(input, idempotencyKey) {
      if (idempotencyKey === undefined) return { book: { ...add(input) }, replayed: false };
      const oldest = clock() - IDEMPOTENCY_WINDOW_MS;
      dropExpired(answers, oldest);
      const earlier = answers.get(idempotencyKey);
      if (earlier && earlier.createdAt > oldest) {
        expectSameInput(earlier.book, input);
        return { book: { ...earlier.book }, replayed: true };
      }
      const book = add(input);
      answers.set(idempotencyKey, { book, createdAt: clock() });
      return { book: { ...book }, replayed: false };
    },

    async update(id, changes, precondition) {
      const book = requireBook(id, books.get(id), precondition);
      const updatedAt = Math.max(clock(), Date.parse(book.updated_at) + 1);
      const updated = { ...book, ...changes, updated_at: new Date(updatedAt).toISOString() };
      books.set(id, updated);
      return { ...updated };
    },

    async delete(id, precondition) {
      requireBook(id, books.get(id), precondition);
      books.delete(id);
    },

    async close() {},
  };
}

function pickInput({ title, author, year }: BookInput): BookInput {
  return { title, author, year };
}

/**
 * Answers are in the order of their age, so the first that still counts ends the search. Where the
 * clock went back, some that have expired wait behind it.
 */
function dropExpired(answers: Map<string, Answer>, oldest: number): void {
  for (const [key, { createdAt }] of answers) {
    if (createdAt > oldest) return;
    answers.delete(key);
  }
}

function isListed(book: Book, { words, author, year, after, sort }: BookQuery): boolean {
  return (
    (author === undefined || book.author === author) &&
    (year === undefined || book.year === year) &&
    hasWords(book, words) &&
    (after === undefined || compare(book, after, sort) > 0)
  );
}

function hasWords(book: Book, prefixes: readonly string[]): boolean {
  if (prefixes.length === 0) return true;
  const words = bookWords(book);
  return prefixes.every((prefix) => words.some((word) => word.startsWith(prefix)));
}

function positionOf(book: Book, { field }: Sort): Position {
  return { value: book[field], id: book.id };
}

/** Negative where `book` comes before the position, positive where it comes behind. */
function compare(book: Book, position: Position, sort: Sort): number {
  const ascending = compareValues(book[sort.field], position.value) || book.id - position.id;
  return sort.descending ? -ascending : ascending;
}

function compareValues(left: string | number, right: string | number): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  return compareCodePoints(String(left), String(right));
}

/** Unlike `<`, which compares UTF-16 units, this agrees with the databases' order of UTF-8 bytes. */
function compareCodePoints(left: string, right: string): number {
  const a = [...left];
  const b = [...right];
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const difference = (a[index]?.codePointAt(0) ?? 0) - (b[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
