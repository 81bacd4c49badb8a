import type { SqliteRow, Statement } from "../../database/sqlite.ts";
import type { SqliteReader } from "../../database/sqlite-database.ts";
import { deadlineExceeded } from "../../errors.ts";
import { type Deadline, requireTimeLeft, withDeadline } from "../../time.ts";
import code from "./reader.thread.js" with { type: "text" };
import { createSqliteThread } from "./sqlite-thread.ts";

/** How long a statement waits where another process has the whole file for itself. */
const BUSY_TIMEOUT_MS = 5000;

type Question = Required<Statement>;
type Job = PromiseWithResolvers<SqliteRow[]> & { question: Question };

/**
 * Reads from a SQLite file in a thread of its own, which starts with the first statement. It works on one
 * statement at a time; the others wait here, and are not sent to it after their deadline.
 */
export function createSqliteReader(path: string): SqliteReader {
  const workerData = { path, busyTimeoutMs: BUSY_TIMEOUT_MS };
  const thread = createSqliteThread<Question, { rows: SqliteRow[] }>(code, workerData);
  /** In the order in which they came. */
  const waiting = new Set<Job>();
  let isReading = false;

  async function readAll(): Promise<void> {
    if (isReading) return;
    isReading = true;
    for (const job of waiting) {
      waiting.delete(job);
      await thread.ask(job.question).then(({ rows }) => job.resolve(rows), job.reject);
    }
    isReading = false;
  }

  async function read(question: Question, deadline: Deadline | undefined): Promise<SqliteRow[]> {
    requireTimeLeft(deadline);
    const job = { question, ...Promise.withResolvers<SqliteRow[]>() };
    waiting.add(job);
    void readAll();
    if (deadline === undefined) return job.promise;
    return withDeadline(job.promise, deadline - performance.now(), () => {
      waiting.delete(job);
      throw deadlineExceeded();
    });
  }

  return {
    all: ({ sql, values, isKept = true }, deadline) => read({ sql, values, isKept }, deadline),

    close() {
      const closed = new Error("The SQLite file was closed");
      for (const { reject } of waiting) reject(closed);
      waiting.clear();
      void thread.end();
    },
  };
}
