import postgres from "postgres";
import { connectionOptions } from "../../database/postgres/connection.ts";
import type { BookInput } from "../../resources/book.ts";
import type { PostgresBookStore } from "../../resources/store.ts";
import { createPostgresBookStore } from "../../resources/stores/postgres.ts";
import type { Clock } from "../../time.ts";

export type { PostgresBookStore };

const RECONNECT_DELAY_SECONDS = 0.25;
const POOL_SIZE = 10;

/** What a store on PostgreSQL may be told. */
export type PostgresBooksOptions = {
  /** The most connections: 10 unless told. */
  poolSize?: number;
  /** Says when a book was added or changed: `Date.now` unless told. */
  clock?: Clock;
  /** Books for a database that never had any: none unless told. */
  seed?: readonly BookInput[];
  /**
   * Names the request under way, as a `traceparent` header, to the server, in a comment of its SQL: none
   * unless told.
   */
  traceparent?: (() => string | undefined) | undefined;
};

/**
 * A store on the PostgreSQL database that a URL names; where a function says the URL, every new
 * connection takes its password from it, and `reconnect` all the rest. It connects when it is first used, and again by
 * itself when a connection is lost; the first operation that reaches the server brings the schema up to
 * date, unless `prepare` has done so.
 */
export function openPostgresBooks(
  url: string | (() => string),
  options: PostgresBooksOptions = {},
): PostgresBookStore {
  const { poolSize = POOL_SIZE, clock = Date.now, seed = [], traceparent } = options;
  const currentUrl = typeof url === "string" ? () => url : url;
  const password = () => passwordOf(currentUrl());
  const connect = () =>
    postgres(currentUrl(), {
      ...connectionOptions(currentUrl()),
      // The driver looks elsewhere for a password that the URL does not have.
      ...(password() !== "" && { password }),
      max: poolSize,
      backoff: () => RECONNECT_DELAY_SECONDS,
    });
  return createPostgresBookStore({ connect, clock, seed, traceparent });
}

function passwordOf(url: string): string {
  return decodeURIComponent(URL.parse(url)?.password ?? "");
}
