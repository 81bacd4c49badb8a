import { DomainError } from "../errors.ts";
import {
  inTransaction,
  isBusyError,
  type SqliteConnection,
  type SqliteRow,
  type SqliteStatement,
  type Statement,
  translateSqliteError,
} from "./sqlite.ts";

/** How long a write waits for another process to finish its own. */
const LOCK_TIMEOUT_MS = 5000;
const LOCK_PAUSE_MS = 25;

/** Statements that take effect together, in order. */
export type Statements = readonly Statement[];

/** The rows of each statement of a change; or why the change failed, and it alone. */
export type Outcome = { rows: SqliteRow[][] } | { error: unknown };

/**
 * Writes changes in their order, in one transaction, and tells what came of each when all are on the disk.
 * If it fails, nothing of any of them is written.
 */
export type Commit = (changes: readonly Statements[]) => Promise<Outcome[]>;

/** Writes to a SQLite database, one change after another. */
export interface SqliteWriter {
  /**
   * Makes a change, and returns the rows of each of its statements when it is on the disk.
   *
   * @param requireWanted throws if the change is not wanted any more; asked right before it is sent.
   * @throws {DomainError} `store_unavailable`, or what `requireWanted` throws: then nothing is changed.
   */
  write(statements: Statements, requireWanted?: () => void): Promise<SqliteRow[][]>;
  /** Resolves when all that was to be written has been, or has failed. */
  close(): Promise<void>;
}

type WriterOptions = {
  /** The most changes that are committed together. */
  most: number;
  /** What to wait for before the next changes are taken, so that more of them come together. */
  gather?: () => Promise<void>;
  /** Called once, when nothing is left to be written. */
  end?: () => Promise<void>;
};

type Job = PromiseWithResolvers<SqliteRow[][]> & {
  statements: Statements;
  requireWanted: () => void;
  /** Until when it waits for a lock, by `performance.now()`. */
  patience: number;
};

/**
 * Changes that come while others are written wait for them, and are then committed together: the disk is
 * waited for once. While another process holds the write lock, they try again and again: SQLite's own waiting
 * would stop what else its thread does.
 */
export function createSqliteWriter(
  commit: Commit,
  { most, gather, end }: WriterOptions,
): SqliteWriter {
  /** In the order in which they came. */
  let waiting: Job[] = [];
  let work: Promise<void> | undefined;
  let isClosed = false;

  function take(): Job[] {
    const taken = waiting.slice(0, most);
    waiting = waiting.slice(most);
    return taken.filter(isWanted);
  }

  async function writeNext(): Promise<void> {
    await gather?.();
    const jobs = take();
    if (jobs.length === 0) return;
    try {
      const outcomes = await commit(jobs.map(({ statements }) => statements));
      for (const [index, job] of jobs.entries()) settle(job, outcomes[index]);
    } catch (error) {
      const now = performance.now();
      const isPatient = ({ patience }: Job) => isBusyError(error) && now <= patience;
      for (const job of jobs) if (!isPatient(job)) job.reject(translateSqliteError(error));
      const patient = jobs.filter(isPatient);
      if (patient.length === 0) return;
      waiting = [...patient, ...waiting];
      // Not all at the same moment, where several processes wait.
      await pause(Math.random() * LOCK_PAUSE_MS);
    }
  }

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) await writeNext();
    work = undefined;
  }

  return {
    async write(statements, requireWanted = () => {}) {
      requireWanted();
      if (isClosed) throw new DomainError("store_unavailable", "The database was closed.");
      const patience = performance.now() + LOCK_TIMEOUT_MS;
      const job = {
        statements,
        requireWanted,
        patience,
        ...Promise.withResolvers<SqliteRow[][]>(),
      };
      waiting.push(job);
      work ??= writeAll();
      return job.promise;
    },

    async close() {
      isClosed = true;
      await work;
      await end?.();
    },
  };
}

/** Writes on a connection, where nothing else happens meanwhile: each change is a transaction. */
export function createInlineWriter(connection: SqliteConnection): SqliteWriter {
  const run = statementRunner(connection);
  const commit: Commit = async (changes) =>
    changes.map((statements) => ({
      rows: inTransaction(connection, () => statements.map(run)),
    }));
  return createSqliteWriter(commit, { most: 1 });
}

/** Runs statements on a connection, and keeps those prepared that come again. */
export function statementRunner(connection: SqliteConnection) {
  const kept = new Map<string, SqliteStatement>();
  return function run({ sql, values, isKept = true }: Statement): SqliteRow[] {
    const statement = kept.get(sql) ?? connection.prepare(sql);
    if (isKept) kept.set(sql, statement);
    return statement.all(...values);
  };
}

/** Tries for some time to do something that needs the lock that others hold for moments. */
export async function untilUnlocked<T>(work: () => T): Promise<T> {
  const patience = performance.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusyError(error) || performance.now() > patience) throw translateSqliteError(error);
    }
    await pause(Math.random() * LOCK_PAUSE_MS);
  }
}

function isWanted({ requireWanted, reject }: Job): boolean {
  try {
    requireWanted();
    return true;
  } catch (error) {
    reject(error);
    return false;
  }
}

function settle({ resolve, reject }: Job, outcome: Outcome | undefined): void {
  if (outcome && "rows" in outcome) resolve(outcome.rows);
  else reject(translateSqliteError(outcome?.error));
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
