import type { Sql, TransactionSql } from "postgres";
import { withDeadline } from "../../time.ts";
import { withPart, wrapped } from "./wrapped-sql.ts";

/** How long the server may take to be asked to cancel a statement. */
const CANCEL_TIMEOUT_MS = 1000;

/** The driver's own fields: its `cancel` tells nobody what became of the request, and fails unheard. */
type DriverQuery = { active: boolean; canceller: (query: unknown) => Promise<void> };

/**
 * The same connections for one operation. When the signal aborts, no statement that has yet to be sent is,
 * and a transaction is rolled back, its statement under way cancelled. Where a COMMIT was sent before, or
 * where the server does not answer, the transaction may take effect all the same.
 *
 * A statement outside a transaction that was sent before goes on, so it should be one that only reads.
 */
export function abortable(sql: Sql, signal: AbortSignal): Sql {
  const guard = guardOf(sql, signal);
  return wrapped(sql, {
    statement: (client, strings, values) => withPart(client, strings, values, guard),
    transaction: (transaction, work) => unlessAborted(transaction, work, signal),
  });
}

/**
 * An empty part of a statement. The driver asks it for its text when it has a connection, right before it
 * sends the statement, and rejects the statement with what it throws.
 */
function guardOf(sql: Sql, signal: AbortSignal): unknown {
  const build = () => {
    signal.throwIfAborted();
    return "";
  };
  return Object.assign(sql({}), { build });
}

/** Does the work of a transaction; where it fails, the transaction is rolled back. */
async function unlessAborted<T>(
  transaction: TransactionSql,
  work: (transaction: TransactionSql) => Promise<T> | T,
  signal: AbortSignal,
): Promise<T> {
  signal.throwIfAborted();
  const { sql, latest } = watched(transaction, signal);
  let cancelled: Promise<void> | undefined;
  const onAbort = () => {
    cancelled = cancel(latest);
  };
  signal.addEventListener("abort", onAbort);
  try {
    const result = await work(sql);
    signal.throwIfAborted();
    return result;
  } finally {
    signal.removeEventListener("abort", onAbort);
    // A request to cancel that arrived behind the end would hit whoever has the connection next.
    await cancelled;
  }
}

/** The transaction, which makes no statement behind an abort and knows the latest that it made. */
function watched(transaction: TransactionSql, signal: AbortSignal) {
  let latest: unknown;
  const made = (query: unknown) => {
    latest = query;
    return query;
  };
  const sql = new Proxy(transaction, {
    apply(target, _this, args) {
      signal.throwIfAborted();
      return made(Reflect.apply(target, undefined, args));
    },
    get(target, name) {
      if (name !== "unsafe") return Reflect.get(target, name);
      return (text: string) => made(target.unsafe(text));
    },
  });
  return { sql, latest: () => latest };
}

async function cancel(latest: () => unknown): Promise<void> {
  // One that was made right before is not sent yet.
  await new Promise((resolve) => setTimeout(resolve));
  const query = latest();
  const { active, canceller } = (query ?? {}) as Partial<DriverQuery>;
  if (!active || !canceller) return;
  try {
    await withDeadline(canceller(query), CANCEL_TIMEOUT_MS, () => {});
  } catch {
    // Where the server cannot be asked, its own timeout ends the statement.
  }
}
