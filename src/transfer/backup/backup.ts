import type { DatabaseCommandConfig } from "../../config/config.ts";
import { CommandError, EXIT } from "../../server/failure.ts";
import { prepareAtomicFile } from "../atomic-file.ts";
import {
  type BackupContent,
  copyDatabase,
  countEntries,
  type Snapshot,
  type TransferOptions,
  totalOf,
} from "../copy.ts";
import { type OpenTransfer, openTransfer } from "../open.ts";
import type { Progress } from "../progress.ts";
import { createBackup, inspectBackup, vacuumInto } from "./file.ts";
import { requireKnownColumns } from "./unknown-tables.ts";

type BackUpOptions = TransferOptions & {
  /** Whether a backup is made that does not contain the tables and columns that the service does not know. */
  withoutUnknownTables?: boolean;
  progress?: Progress;
  signal?: AbortSignal;
};

/**
 * Backs a database up into a file, whole or not at all.
 *
 * @throws {CommandError} also for tables that would be missing in the file.
 */
export async function backUp(
  path: string,
  config: DatabaseCommandConfig,
  options: BackUpOptions,
): Promise<BackupContent> {
  const file = prepareAtomicFile(path, config.database, { resumable: false });
  const from = await openTransfer(config, { ...options, access: "read" });
  try {
    const content = await writeBackup(from, file.part, options);
    file.commit();
    return content;
  } catch (error) {
    try {
      file.discard();
    } catch {
      // Why the backup failed says more than why what it left cannot be removed.
    }
    throw error;
  } finally {
    options.progress?.end();
    await from.close();
  }
}

/**
 * Writes a backup into a new file. SQLite copies its own tables, unknown ones too, where it may.
 *
 * @throws {CommandError}
 */
export async function writeBackup(
  from: Pick<OpenTransfer, "read" | "sqlite">,
  part: string,
  options: BackUpOptions,
): Promise<BackupContent> {
  const isWritten = from.sqlite !== undefined && vacuumInto(from.sqlite, part);
  if (!isWritten) {
    await createBackup(part, options, (to) =>
      from.read(async (snapshot) => {
        await requireKnownTables(snapshot, options);
        await requireKnownColumns(snapshot, options);
        const total = totalOf(await countEntries(snapshot, options.resources));
        const onProgress = (done: number) => options.progress?.update(done, done / total);
        await to.write([], (loader) => copyDatabase(snapshot, loader, { ...options, onProgress }));
      }),
    );
  }
  return inspectBackup(part, options);
}

/** @throws {CommandError} that names the tables that a copy would leave out. */
async function requireKnownTables(
  snapshot: Snapshot,
  { withoutUnknownTables = false }: BackUpOptions,
): Promise<void> {
  const unknown = await snapshot.unknownTables();
  if (unknown.length === 0 || withoutUnknownTables) return;
  throw new CommandError(
    EXIT.data,
    `the backup would not contain these tables, which are not this service's: ${unknown.join(", ")}; ` +
      "back them up with the database's own tools, and add --without-unknown-tables",
  );
}
