import { type Stats, statSync } from "node:fs";
import { unavailableSqliteError } from "../../database/sqlite.ts";
import { NeedsRepairError } from "../../errors.ts";

/** No SQLite database is shorter (https://www.sqlite.org/fileformat2.html#the_database_header). */
const SHORTEST_BYTES = 512;

/**
 * Remembers which files a SQLite database and its write-ahead log are now, right after they were opened. The
 * function that it returns fails where other files, or none, have taken their places, or the database was cut:
 * SQLite does not notice, and what it writes then is lost when the service ends.
 *
 * @throws {DomainError} `store_unavailable`; its cause says what happened and what to do.
 */
export function rememberFiles(path: string): () => void {
  const files = [path, `${path}-wal`].map((name) => ({ name, first: statsOf(name) }));
  return function requireSameFiles(): void {
    for (const { name, first } of files) {
      const now = statsOf(name);
      const isSame = now?.ino === first?.ino && now?.dev === first?.dev;
      const isCut = name === path && now !== undefined && now.size < SHORTEST_BYTES;
      if (isSame && !isCut) continue;
      const happened = now ? (isSame ? "cut" : "replaced by another file") : "removed";
      throw unavailableSqliteError(
        new NeedsRepairError(
          `The file ${name} was ${happened} while the service used it. Stop the service before a file is ` +
            "replaced, restore the file from a backup, and start the service again.",
        ),
      );
    }
  };
}

function statsOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
