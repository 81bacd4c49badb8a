import type { Deadline } from "../time.ts";
import type { DatabaseLifecycle } from "./lifecycle.ts";

/** A value of a statement. An array goes to a connection only that asked the server for its types. */
export type PostgresValue =
  | string
  | number
  | boolean
  | null
  | Date
  | readonly (string | number | boolean | null)[];
/** A row by the names of its columns. */
export type PostgresRow = Readonly<Record<string, unknown>>;

/**
 * Sends a statement, with the values of `$1`, `$2` and so on, and returns its rows.
 *
 * @param isKept whether the server keeps it prepared, as it does by default: for SQL that comes again.
 */
export type Query = (
  text: string,
  values?: readonly PostgresValue[],
  options?: { isKept?: boolean },
) => Promise<readonly PostgresRow[]>;

/**
 * A PostgreSQL database. All ways to it throw a `DomainError`: `store_unavailable` if it is unavailable, and
 * `request_timeout` if there is a deadline, and no answer before it. Then nothing of a write takes effect,
 * now or later, unless its COMMIT was sent already and is not answered within a second, and nothing of a
 * change, unless the server does not answer within a second when it is asked to cancel it.
 */
export type PostgresDatabase = DatabaseLifecycle & {
  kind: "postgres";
  /** For statements that only read. They get one connection, from the first to the last. */
  read<T>(work: (query: Query) => Promise<T>, deadline?: Deadline): Promise<T>;
  /** For one statement, which takes effect by itself: that saves the messages around a transaction. */
  change<T>(work: (query: Query) => Promise<T>, deadline?: Deadline): Promise<T>;
  /** The same, before all that waits and whether or not the pool is full: for short work that must not be late. */
  changeUrgently<T>(work: (query: Query) => Promise<T>, deadline?: Deadline): Promise<T>;
  /** For statements that take effect together: one transaction, rolled back when `work` throws. */
  write<T>(work: (query: Query) => Promise<T>, deadline?: Deadline): Promise<T>;
  /** Connects again, perhaps to another database. Operations in flight end on their connections. */
  reconnect(): void;
};
