import type { Sql, TransactionSql } from "postgres";

/** The driver's and the operating system's words for a connection that is lost while it is in use. */
const LOST = /^(?:CONNECTION_CLOSED|ECONN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE|ERR_SOCKET)/;

/**
 * A transaction as the driver's `begin` makes it, which takes the loss of its connection for its end. The
 * driver fails it then, too, and afterwards goes on to send what the work still says and a ROLLBACK, where
 * there is no connection: that ends the process, or does half a transaction on the next connection.
 *
 * @param mode what follows BEGIN, such as an isolation level; letters and spaces only.
 */
export async function transact<T>(
  sql: Sql,
  mode: string,
  work: (transaction: TransactionSql) => T | Promise<T>,
): Promise<T> {
  let over = false;
  let loss: unknown;
  try {
    const result = await sql.begin(mode, async (transaction) => {
      try {
        // In an array, the driver takes a result as it is.
        return [await work(unless(() => over, transaction))] as const;
      } catch (error) {
        if (!isLoss(error)) throw error;
        loss = error;
        return await forever();
      } finally {
        if (over) await forever();
      }
    });
    return result[0];
  } catch (error) {
    throw loss ?? error;
  } finally {
    over = true;
  }
}

/** The transaction, of which nothing can be used any more when it is over. */
function unless(isOver: () => boolean, transaction: TransactionSql): TransactionSql {
  const still = (target: TransactionSql) => {
    if (isOver()) throw new Error("The transaction is over");
    return target;
  };
  return new Proxy(transaction, {
    apply: (target, _this, args) => Reflect.apply(still(target), undefined, args),
    get: (target, name) => Reflect.get(still(target), name),
  });
}

/** Whether a connection has ended, or is about to, as with a server's FATAL error. */
function isLoss(error: unknown): boolean {
  const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown };
  if (severity !== undefined) return severity !== "ERROR";
  return typeof code === "string" && LOST.test(code);
}

/** What the driver waits for in vain holds nothing: it has settled its own promise already. */
function forever(): Promise<never> {
  return new Promise(() => {});
}
