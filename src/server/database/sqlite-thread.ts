import process from "node:process";
import { setImmediate } from "node:timers";
import type { Worker } from "node:worker_threads";
import { unavailableSqliteError } from "../../database/sqlite.ts";

/** An error of SQLite, as it is sent between threads. */
export type ThreadError = { message: string; errcode?: number };

/**
 * A thread that answers one question at a time. It starts with the first one, and again after it was lost; the
 * process does not wait for it while it has no question.
 *
 * @param code runs in the thread. As text, every runtime and every bundle has it without a file.
 */
export function createSqliteThread<Question, Answer extends object>(
  code: string,
  workerData: object,
) {
  let worker: Worker | undefined;
  let answer: PromiseWithResolvers<Answer | { error: ThreadError }> | undefined;

  function start(): Worker {
    // Loaded here, because a service starts 6 ms sooner without it.
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    const started = new Worker(code, { eval: true, workerData });
    // In a turn of its own: within this event, Bun hands over no further message to code that waits for one as
    // `expect(work).rejects` of its tests does.
    started.on("message", (reply) => setImmediate(() => answer?.resolve(reply)));
    started.on("error", (error) => lose(started, error));
    started.on("exit", () => lose(started, new Error("The thread of the SQLite file has ended")));
    return started;
  }

  function lose(lost: Worker, error: unknown): void {
    if (worker !== lost) return;
    worker = undefined;
    answer?.reject(unavailableSqliteError(error));
  }

  return {
    /** @throws {Error} that the thread had with the question, or a `DomainError` if the thread was lost. */
    async ask(question: Question): Promise<Answer> {
      worker ??= start();
      worker.ref();
      answer = Promise.withResolvers();
      try {
        worker.postMessage(question);
        const reply = await answer.promise;
        if ("error" in reply) throw asError(reply.error);
        return reply;
      } finally {
        answer = undefined;
        worker?.unref();
      }
    },

    isRunning: () => worker !== undefined,

    /** Fails the question that it has. Work in progress in SQLite ends by itself, and nobody waits for it. */
    async end(): Promise<void> {
      const last = worker;
      if (!last) return;
      lose(last, new Error("The SQLite file was closed"));
      await last.terminate();
    },
  };
}

export function asError({ message, errcode }: ThreadError): Error {
  return Object.assign(new Error(message), { errcode });
}
