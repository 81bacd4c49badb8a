import process from "node:process";
import type { Worker } from "node:worker_threads";
import type { SqliteRow, SqliteValue } from "../../database/sqlite.ts";
import type { SqliteReader } from "../../database/sqlite-database.ts";
import { deadlineExceeded } from "../../errors.ts";
import { type Deadline, requireTimeLeft, withDeadline } from "../../time.ts";
import thread from "./reader.thread.js" with { type: "text" };

/** How long a statement waits where another process has the whole file for itself. */
const BUSY_TIMEOUT_MS = 5000;

type Question = { sql: string; values: readonly SqliteValue[]; isKept: boolean };
type Reply = { rows: SqliteRow[] } | { error: { message: string; errcode?: number } };
type Job = Question & PromiseWithResolvers<SqliteRow[]>;

/**
 * Reads from a SQLite file in a thread of its own, which starts with the first statement. It works on one
 * statement at a time; the others wait here, and are not sent to it after their deadline.
 */
export function createSqliteReader(path: string): SqliteReader {
  const waiting: Job[] = [];
  let current: Job | undefined;
  let worker: Worker | undefined;

  function start(): Worker {
    // Loaded here, because a service starts 6 ms sooner without it.
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    const workerData = { path, busyTimeoutMs: BUSY_TIMEOUT_MS };
    const started = new Worker(thread, { eval: true, workerData });
    started.on("message", (reply: Reply) => finish((job) => settle(job, reply)));
    started.on("error", (error) => lose(started, error));
    started.on("exit", () => lose(started, new Error("The reader of the SQLite file has ended")));
    return started;
  }

  function work(): void {
    if (current) return;
    current = waiting.shift();
    if (!current) {
      worker?.unref();
      return;
    }
    worker ??= start();
    worker.ref();
    const { sql, values, isKept } = current;
    worker.postMessage({ sql, values, isKept });
  }

  function finish(settleJob: (job: Job) => void): void {
    const job = current;
    current = undefined;
    if (job) settleJob(job);
    work();
  }

  /** The next statement starts another thread. */
  function lose(lost: Worker, error: unknown): void {
    if (worker !== lost) return;
    worker = undefined;
    finish(({ reject }) => reject(error));
  }

  async function ask(question: Question, deadline: Deadline | undefined): Promise<SqliteRow[]> {
    requireTimeLeft(deadline);
    const job = { ...question, ...Promise.withResolvers<SqliteRow[]>() };
    waiting.push(job);
    work();
    if (deadline === undefined) return job.promise;
    return withDeadline(job.promise, deadline - performance.now(), () => {
      const place = waiting.indexOf(job);
      if (place >= 0) waiting.splice(place, 1);
      throw deadlineExceeded();
    });
  }

  return {
    all: ({ sql, values, isKept = true }, deadline) => ask({ sql, values, isKept }, deadline),

    close() {
      const closed = new Error("The SQLite file was closed");
      for (const { reject } of waiting.splice(0)) reject(closed);
      const last = worker;
      worker = undefined;
      finish(({ reject }) => reject(closed));
      // Not awaited: a statement in progress cannot be stopped, and nothing waits for its rows any more.
      void last?.terminate();
    },
  };
}

function settle({ resolve, reject }: Job, reply: Reply): void {
  if ("rows" in reply) resolve(reply.rows);
  else reject(Object.assign(new Error(reply.error.message), { errcode: reply.error.errcode }));
}
