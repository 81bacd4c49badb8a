import process from "node:process";
import { setImmediate } from "node:timers";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { unavailableSqliteError } from "../../database/sqlite.ts";
import {
  createSqliteWriter,
  type Outcome,
  type SqliteWriter,
  type Statements,
} from "../../database/sqlite-writer.ts";
import { DURABLE_SETTINGS } from "./sqlite-file.ts";
import thread from "./writer.thread.js" with { type: "text" };

/** The most changes in a transaction, so that none waits long for those that came with it. */
const MOST = 200;

/**
 * The thread tries once: what waits for a lock waits here, where it can be given up. What SQLite keeps to undo
 * one change among many stays in memory: a file for it made a book three times as expensive.
 */
const SETTINGS = `PRAGMA busy_timeout = 0; PRAGMA temp_store = MEMORY; ${DURABLE_SETTINGS}`;

/** Changes to commit, or nothing: then the file is to be closed. */
type Request = readonly Statements[] | null;
type ThreadError = { message: string; errcode?: number };
type Reply =
  | { outcomes: ({ rows: Record<string, unknown>[][] } | { error: ThreadError })[] }
  | { error: ThreadError };

/**
 * Writes to a SQLite file in a thread of its own, which starts with the first write: the event loop never
 * waits for the disk.
 */
export function createThreadWriter(path: string): SqliteWriter {
  let worker: Worker | undefined;
  let answer: PromiseWithResolvers<Reply> | undefined;

  function start(): Worker {
    // Loaded here, because a service starts 6 ms sooner without it.
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    const started = new Worker(thread, { eval: true, workerData: { path, settings: SETTINGS } });
    // In a turn of its own: within this event, Bun hands over no further message to code that waits for one as
    // `expect(work).rejects` of its tests does.
    started.on("message", (reply: Reply) => setImmediate(() => answer?.resolve(reply)));
    started.on("error", (error) => lose(started, error));
    started.on("exit", () => lose(started, new Error("The writer of the SQLite file has ended")));
    return started;
  }

  /** The next write starts another thread. */
  function lose(lost: Worker, error: unknown): void {
    if (worker !== lost) return;
    worker = undefined;
    answer?.reject(unavailableSqliteError(error));
  }

  async function ask(request: Request): Promise<Outcome[]> {
    worker ??= start();
    worker.ref();
    answer = Promise.withResolvers<Reply>();
    try {
      worker.postMessage(request);
      const reply = await answer.promise;
      if ("error" in reply) throw asError(reply.error);
      return reply.outcomes.map((outcome) =>
        "error" in outcome ? { error: asError(outcome.error) } : outcome,
      );
    } finally {
      answer = undefined;
      worker?.unref();
    }
  }

  return createSqliteWriter(ask, {
    most: MOST,
    // What else this turn of the event loop has received comes along.
    gather: () => nextTurn(),
    async end() {
      if (!worker) return;
      const last = worker;
      await ask(null);
      worker = undefined;
      await last.terminate();
    },
  });
}

function asError({ message, errcode }: ThreadError): Error {
  return Object.assign(new Error(message), { errcode });
}
