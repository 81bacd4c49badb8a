import { setImmediate as nextTurn } from "node:timers/promises";
import {
  createSqliteWriter,
  type Outcome,
  type SqliteWriter,
  type Statements,
} from "../../database/sqlite-writer.ts";
import { DURABLE_SETTINGS } from "./sqlite-file.ts";
import { asError, createSqliteThread, type ThreadError } from "./sqlite-thread.ts";
import code from "./writer.thread.js" with { type: "text" };

/** The most changes in a transaction, so that none waits long for those that came with it. */
const MOST = 200;

/**
 * The thread tries once: what waits for a lock waits here, where it can be given up. What SQLite keeps to undo
 * one change among many stays in memory: a file for it made a book three times as expensive.
 */
const SETTINGS = `PRAGMA busy_timeout = 0; PRAGMA temp_store = MEMORY; ${DURABLE_SETTINGS}`;

/** Changes to commit, or nothing: then the file is to be closed. */
type Question = readonly Statements[] | null;
type Answer = { outcomes: ({ rows: Record<string, unknown>[][] } | { error: ThreadError })[] };

/**
 * Writes to a SQLite file in a thread of its own, which starts with the first write: the event loop never
 * waits for the disk.
 *
 * @param requireSameFiles fails where others have taken the place of the files: then nothing is acknowledged.
 */
export function createThreadWriter(
  path: string,
  requireSameFiles: () => void = () => {},
): SqliteWriter {
  const thread = createSqliteThread<Question, Answer>(code, { path, settings: SETTINGS });

  async function commit(changes: readonly Statements[]): Promise<Outcome[]> {
    requireSameFiles();
    const { outcomes } = await thread.ask(changes);
    requireSameFiles();
    return outcomes.map((outcome) =>
      "error" in outcome ? { error: asError(outcome.error) } : outcome,
    );
  }

  return createSqliteWriter(commit, {
    most: MOST,
    // What else this turn of the event loop has received comes along.
    gather: () => nextTurn(),
    async end() {
      if (!thread.isRunning()) return;
      await thread.ask(null);
      await thread.end();
    },
  });
}
