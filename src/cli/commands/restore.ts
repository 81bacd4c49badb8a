import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseDatabaseConfig } from "../../config/config.ts";
import { CommandError, EXIT } from "../../server/failure.ts";
import type { Runtime } from "../../server/runtime.ts";
import { readSecretFile } from "../../server/secrets/secrets.ts";
import { isDatabaseFile } from "../../transfer/atomic-file.ts";
import { openBackup } from "../../transfer/backup/file.ts";
import { backupsIn } from "../../transfer/backup/schedule.ts";
import { copyDatabase, type Loader } from "../../transfer/copy.ts";
import { openTransfer, requirePersistent } from "../../transfer/open.ts";
import { createProgress, summary } from "../../transfer/progress.ts";
import { parseArguments } from "../arguments.ts";
import { UsageError } from "../command.ts";

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
  requirePersistent(config.database);
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
