import type { Sql, TransactionSql } from "postgres";
import { withDeadline } from "../../time.ts";
import type { PostgresRow, Query } from "../postgres.ts";

type QueryOptions = {
  /** When it aborts, no further statement is sent, and the one in progress is cancelled. */
  signal?: AbortSignal | undefined;
  /** Names the request in every statement, as a `traceparent` header. */
  traceparent?: string | undefined;
};

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** How long the server may take to receive a request to cancel a statement. */
const CANCEL_TIMEOUT_MS = 1000;

/**
 * Sends statements on a pool, or within a transaction.
 *
 * Where there is a valid `traceparent`, each statement ends in a comment that names the request, by which
 * the server's log and `pg_stat_activity` lead to its trace
 * (https://google.github.io/sqlcommenter/spec/). The server does not keep these statements prepared, as
 * none of them comes twice.
 */
export function queryOn(
  sql: Sql | TransactionSql,
  { signal, traceparent = "" }: QueryOptions = {},
): Query {
  const comment = TRACEPARENT.test(traceparent) ? ` /*traceparent='${traceparent}'*/` : "";
  return async function query(text, values = [], { isKept = true } = {}) {
    signal?.throwIfAborted();
    const prepare = isKept && comment === "";
    const args = [...values];
    const statement = sql.unsafe(text + comment, args as never[], { prepare });
    return signal ? untilAborted({ statement, args }, signal) : statement;
  };
}

type Statement = ReturnType<Sql["unsafe"]>;

/** A statement, and the list of its values, which the driver reads right before it sends them. */
type Made = { statement: Statement; args: unknown[] };

/** Cancels a statement when the signal aborts, and throws the signal's reason then. */
async function untilAborted(made: Made, signal: AbortSignal): Promise<readonly PostgresRow[]> {
  let cancelled: Promise<void> | undefined;
  let isOver = false;
  const onAbort = () => {
    cancelled = cancel(made, () => isOver);
  };
  signal.addEventListener("abort", onAbort);
  try {
    return await made.statement;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    isOver = true;
    signal.removeEventListener("abort", onAbort);
    // A request to cancel that arrives after the end would stop the next statement on the connection.
    await cancelled;
  }
}

/**
 * The driver's own fields. Its public `cancel` does not wait for the server to receive the request, and
 * lets a failure of it end the process.
 */
type Cancellable = {
  /** The session of the server that the statement was sent to, if it was. */
  state: unknown;
  canceller: (statement: Statement) => Promise<void>;
  cancelled: unknown;
};

async function cancel({ statement, args }: Made, isOver: () => boolean): Promise<void> {
  // The driver sends a statement in the turn after it was made.
  await new Promise((resolve) => setTimeout(resolve));
  if (isOver()) return;
  const driver = statement as Statement & Cancellable;
  if (!driver.state) {
    void driver.canceller(statement);
    // A connection that is being made for this statement would wait forever for one that is cancelled. It
    // refuses one with a value that is undefined instead, and goes on to the next.
    args.push(undefined);
    driver.cancelled = null;
    return;
  }
  try {
    await withDeadline(driver.canceller(statement), CANCEL_TIMEOUT_MS, () => {});
  } catch {
    // If the server cannot be reached, its own timeout ends the statement.
  }
}
