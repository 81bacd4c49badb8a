import type { Deadline } from "../time.ts";
import type { Value, Values } from "./field.ts";
import type { Entry } from "./resource.ts";

/** Text sorts by code point, and entries that are equal in a field by id, in the same direction. */
export type Sort = { field: string; descending: boolean };

/** A place in a sorted list: right after the entry that has this value and this id. */
export type Position = { value: NonNullable<Value>; id: number };

/** What a list is asked for. */
export type ListQuery = {
  limit: number;
  sort: Sort;
  after?: Position | undefined;
  /** Words (see words.ts) that must each begin some word of the entry. */
  words: readonly string[];
  /** The fields that must have these values. */
  filters: Readonly<Record<string, NonNullable<Value>>>;
};

/** `replayed` where an earlier call with the same idempotency key created the entry. */
export type Creation<E extends Entry = Entry> = { entry: E; replayed: boolean };

/**
 * What ends an operation early: its deadline, and the signal of a request whose connection has ended. After
 * either, nothing is written any more.
 */
export type OperationLimits = { deadline?: Deadline | undefined; signal?: AbortSignal };

/** Only an entry whose `updated_at` is still this one is changed. */
export type Precondition = { updatedAt: string };

/**
 * The entries of one resource. Ids are never reused, and `updated_at` moves forward by a millisecond at
 * least with every change. Whatever a method promises has reached stable storage when it resolves.
 *
 * Every method throws a `DomainError` `store_unavailable` when the database cannot be reached, and
 * `request_timeout` or `connection_lost` at its limits: then nothing is changed, not even later.
 */
export interface Store<
  E extends Entry = Entry,
  Input extends Values = Values,
  Changes extends Values = Values,
> {
  list(query: ListQuery, limits?: OperationLimits): Promise<E[]>;

  get(id: number, limits?: OperationLimits): Promise<E | undefined>;

  /**
   * Adds an entry. With an idempotency key, calls of the last 24 hours that had the same key and input
   * get the entry as it was when the first of them created it.
   *
   * @throws {DomainError} `idempotency_key_reused` when the key came with another input.
   */
  create(input: Input, idempotencyKey?: string, limits?: OperationLimits): Promise<Creation<E>>;

  /** @throws {DomainError} `entry_not_found`, or `precondition_failed` if the entry has changed. */
  update(
    id: number,
    changes: Changes,
    precondition?: Precondition,
    limits?: OperationLimits,
  ): Promise<E>;

  /** @throws {DomainError} `entry_not_found`, or `precondition_failed` if the entry has changed. */
  delete(id: number, precondition?: Precondition, limits?: OperationLimits): Promise<void>;

  /** Adds entries, all or none of them, to a resource that never had any. */
  addSamples(inputs: readonly Input[]): Promise<void>;

  /** Removes what is kept only for a time: answers to idempotency keys, and what abandoned imports left. */
  removeExpired(): Promise<void>;

  /**
   * Writes the words of some more entries again that were written by other rules (see `WORDS_VERSION`).
   *
   * @returns whether there may be still more of them.
   */
  renewWords(): Promise<boolean>;
}

/** The operations that metrics and spans name. */
export type Operation = "list" | "get" | "create" | "update" | "delete";

/** How long an idempotency key stands for its first answer. */
export const IDEMPOTENCY_WINDOW_MS = 24 * 60 * 60 * 1000;

/** How long the same import goes on where an interruption has stopped it. */
export const IMPORT_WINDOW_MS = 7 * 24 * 60 * 60 * 1000;

/** How many entries get their words again in one transaction. */
export const RENEWED_PER_CALL = 100;

/** Each new answer removes at most this number of expired ones, so that no request pays for all. */
export const EXPIRED_ANSWERS_PER_CALL = 100;
