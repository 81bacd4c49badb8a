import { randomUUID } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import type { DatabaseConfig } from "../config/config.ts";
import { CommandError, EXIT } from "../server/failure.ts";

/** The files next to a SQLite database that is open, or was open when its process died. */
const SQLITE_COMPANIONS = ["-wal", "-journal"];

/** What the name of an unfinished file ends with that some other run may go on with. */
const PART_TO_RESUME = ".part";

/** What the name of an unfinished file ends with that is of use to one run only. */
const OWN_PART = /\.[0-9a-f-]{36}\.part$/;

/** The name of the file that an unfinished one was to become; none where `path` is no unfinished one. */
export function wholeNameOf(path: string): string | undefined {
  if (!path.endsWith(PART_TO_RESUME)) return undefined;
  return path.replace(OWN_PART, "").replace(/\.part$/, "");
}

/**
 * Prepares to write a file, which may be there already. Its directory is made where it is missing. What is
 * written to `part` becomes the file at once, or not at all.
 *
 * @param options whether another run may go on with what one has left; else each has a part of its own.
 * @throws {CommandError} where it is the database itself, no regular file, or in use as a database.
 */
export function prepareAtomicFile(
  path: string,
  database: DatabaseConfig,
  { resumable }: { resumable: boolean },
) {
  return failingAt(path, () => {
    mkdirSync(dirname(resolve(path)), { recursive: true });
    const target = existsSync(path) ? realpathSync(path) : path;
    expectReplaceable(target, database);
    const part = target + (resumable ? PART_TO_RESUME : `.${randomUUID()}.part`);
    return {
      part,
      /** Puts what was written into the place of the file, where a crash cannot undo it. */
      commit: () =>
        failingAt(path, () => {
          syncPath(part);
          renameSync(part, target);
          syncPath(dirname(resolve(target)));
        }),
      discard: () => failingAt(path, () => removeSqliteFile(part)),
    };
  });
}

/** Removes a file that SQLite may have written, and the files next to it. */
export function removeSqliteFile(path: string): void {
  for (const companion of ["", ...SQLITE_COMPANIONS]) rmSync(path + companion, { force: true });
}

/** Whether both are the same file of this machine. */
export function isDatabaseFile(path: string, database: DatabaseConfig): boolean {
  if (database.kind !== "sqlite" || !existsSync(path) || !existsSync(database.path)) return false;
  return realpathSync(path) === realpathSync(database.path);
}

function expectReplaceable(path: string, database: DatabaseConfig): void {
  if (!existsSync(path)) return;
  if (isDatabaseFile(path, database)) {
    throw new CommandError(EXIT.cannotCreate, `${path} is the database itself`);
  }
  if (!statSync(path).isFile()) {
    throw new CommandError(EXIT.cannotCreate, `${path} is there, and is no regular file`);
  }
  const companion = SQLITE_COMPANIONS.find((suffix) => existsSync(path + suffix));
  if (companion) {
    throw new CommandError(
      EXIT.cannotCreate,
      `${path} is in use as a database: there is ${path}${companion}`,
    );
  }
}

function syncPath(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

const REASONS: Record<string, string> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk is full",
  EACCES: "it may not be written",
  EPERM: "it may not be written",
  EROFS: "its file system is read-only",
  ENOTDIR: "what it should be in is no directory",
  EEXIST: "what it should be in is no directory",
};

/** Runs `work`, and says of a failure on this file what to mend. @throws {CommandError} */
export function failingAt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (error instanceof CommandError || typeof code !== "string") throw error;
    throw new CommandError(EXIT.cannotCreate, `cannot write ${path}: ${REASONS[code] ?? code}`);
  }
}
