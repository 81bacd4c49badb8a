import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { copyDatabase, type Loader } from "../../books/transfer.ts";
import { parseDatabaseConfig } from "../../config.ts";
import { parseArguments } from "../arguments.ts";
import { openBackup } from "../backup-file.ts";
import { UsageError } from "../command.ts";
import { CommandError, EXIT } from "../failure.ts";
import { createProgress, summary } from "../progress.ts";
import type { Runtime } from "../runtime.ts";
import { readSecretFile } from "../secret-file.ts";
import { expectLasting, openTransfer } from "../transfer-database.ts";
import { isDatabaseFile } from "../whole-file.ts";
import { backupsIn } from "./backup-schedule.ts";

/** `thimble restore`: puts a backup into the place of what is in the database, all or nothing. */
export async function restore(args: readonly string[], runtime: Runtime): Promise<number> {
  const { env, clock, stderr } = runtime;
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { force: { type: "boolean" } },
  });
  const [path, ...others] = positionals;
  if (!path || others.length > 0) throw new UsageError("takes one FILE, or one DIRECTORY");
  const config = parseDatabaseConfig(env, readSecretFile);
  expectLasting(config.database);
  const file = newestIn(path, clock());
  if (isDatabaseFile(file, config.database)) {
    throw new CommandError(EXIT.data, `${file} is the database itself`);
  }
  const startedAt = performance.now();
  const from = openBackup(file, clock);
  const progress = createProgress("Restoring");
  try {
    const to = await openTransfer(config, clock, "write");
    try {
      const books = await from.read(async (snapshot) => {
        const total = await snapshot.countBooks();
        return to.write(async (loader) => {
          await makeRoom(loader, values.force ?? false);
          const onProgress = (done: number) => progress.update(done, done / total);
          return copyDatabase(snapshot, loader, { onProgress });
        });
      });
      progress.end();
      stderr(`Restored ${summary(books, startedAt)} from ${file}`);
    } finally {
      await to.close();
    }
  } finally {
    progress.end();
    from.close();
  }
  return EXIT.ok;
}

/**
 * A directory stands for the newest backup that a schedule has made in it.
 *
 * @throws {CommandError} where there is none, or where a clock that was wrong leaves open which it is.
 */
function newestIn(path: string, now: number): string {
  if (!existsSync(path) || !statSync(path).isDirectory()) return path;
  const newest = backupsIn(path).at(-1);
  if (newest && newest.at > now) {
    throw new CommandError(
      EXIT.data,
      `${join(path, newest.name)} has a name in the future, so that the newest backup is not known; ` +
        "name the FILE to restore",
    );
  }
  if (newest) return join(path, newest.name);
  throw new CommandError(
    EXIT.noInput,
    `there is no backup in ${path}, no thimble-YYYYMMDDTHHMMSSZ.db`,
  );
}

async function makeRoom(loader: Loader, force: boolean): Promise<void> {
  const books = await loader.countBooks();
  if (books > 0 && !force) {
    throw new CommandError(
      EXIT.failure,
      `the database has books already, ${books} of them; --force removes them for those of the backup`,
    );
  }
  await loader.clear();
}
