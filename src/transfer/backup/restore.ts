import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseCommandConfig } from "../../config/config.ts";
import { SERVICE } from "../../identity.ts";
import type { Resource } from "../../resources/resource.ts";
import { CommandError, EXIT } from "../../server/failure.ts";
import { isDatabaseFile } from "../atomic-file.ts";
import {
  type BackupContent,
  copyDatabase,
  countEntries,
  describeCount,
  type Loader,
  type TransferOptions,
  totalOf,
} from "../copy.ts";
import { openTransfer, requirePersistent } from "../open.ts";
import { createProgress } from "../progress.ts";
import { openBackup } from "./file.ts";
import { backupsIn } from "./schedule.ts";
import { attachUnknownTables, requireKnownColumns, type UnknownTables } from "./unknown-tables.ts";

type RestoreOptions = TransferOptions & {
  /** Whether entries that the database has are removed for those of the backup. */
  force: boolean;
  /** Whether tables and columns of the backup that the service does not know are left out. */
  withoutUnknownTables: boolean;
  /** Reports what is not touched. */
  report: (line: string) => void;
};

/**
 * Puts a backup in place of what is in the database, all or nothing. Resources that the backup has no table
 * for stay as they are, and are reported.
 *
 * @param path a backup, or a directory with backups that a schedule has made.
 * @throws {CommandError}
 */
export async function restoreBackup(
  path: string,
  config: DatabaseCommandConfig,
  options: RestoreOptions,
): Promise<BackupContent & { file: string }> {
  requirePersistent(config.database);
  const file = newestIn(path, options.clock());
  if (isDatabaseFile(file, config.database)) {
    throw new CommandError(EXIT.data, `${file} is the database itself`);
  }
  const progress = createProgress("Restoring", "entries");
  const from = openBackup(file, options);
  try {
    const to = await openTransfer(config, { ...options, access: "write" });
    try {
      return await from.read(async (snapshot) => {
        await requireKnownColumns(snapshot, options);
        const counts = await countEntries(snapshot, options.resources);
        const restored = options.resources.filter(({ name }) => counts.has(name));
        const wanted = options.withoutUnknownTables ? [] : await snapshot.unknownTables();
        const unknown = attachUnknownTables(to.sqlite, file, wanted);
        const total = totalOf(counts);
        const onProgress = (done: number) => progress.update(done, done / total);
        return to.write(restored, async (loader) => {
          await makeRoom(loader, { ...options, restored, unknown });
          await copyDatabase(snapshot, loader, { resources: restored, onProgress });
          unknown.copy();
          return { file, counts, unknownTables: wanted };
        });
      });
    } finally {
      await to.close();
    }
  } finally {
    progress.end();
    from.close();
  }
}

/**
 * A directory stands for the newest backup that a schedule has made in it.
 *
 * @throws {CommandError} if there is none, or if a clock that was wrong leaves open which it is.
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
    `there is no backup in ${path}, no ${SERVICE.name}-YYYYMMDDTHHMMSSZ.db`,
  );
}

type Room = RestoreOptions & { restored: readonly Resource[]; unknown: UnknownTables };

async function makeRoom(loader: Loader, room: Room): Promise<void> {
  const { resources, restored, unknown, force, report } = room;
  const present: string[] = [];
  const kept: string[] = [];
  for (const resource of resources) {
    const count = await loader.count(resource);
    if (count > 0) {
      (restored.includes(resource) ? present : kept).push(describeCount(resource, count));
    }
  }
  for (const [table, count] of unknown.present()) present.push(`${count} rows of ${table}`);
  if (present.length > 0 && !force) {
    throw new CommandError(
      EXIT.failure,
      `the database has ${present.join(", ")} already; --force removes them for those of the backup`,
    );
  }
  if (kept.length > 0) report(`Not in the backup, and left as they are: ${kept.join(", ")}`);
  for (const resource of restored) await loader.clear(resource);
}
