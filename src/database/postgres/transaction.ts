import type { Sql, TransactionSql } from "postgres";
import { LOST_CONNECTION } from "./errors.ts";

/**
 * Runs `work` in a transaction of the isolation that this service is written for, whatever the database's
 * default is: each statement sees what others have committed before it, also one that waited for a lock.
 */
export function inTransaction<T>(
  sql: Sql,
  work: (transaction: TransactionSql) => Promise<T>,
): Promise<T> {
  return transact(sql, "ISOLATION LEVEL READ COMMITTED", work);
}

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
  return typeof code === "string" && LOST_CONNECTION.test(code);
}

/** What the driver waits for in vain holds nothing: it has settled its own promise already. */
function forever(): Promise<never> {
  return new Promise(() => {});
}
