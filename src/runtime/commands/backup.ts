import { statSync } from "node:fs";
import { copyDatabase, type TransferDatabase } from "../../books/transfer.ts";
import { type DatabaseCommandConfig, parseDatabaseConfig } from "../../config.ts";
import { parseArguments } from "../arguments.ts";
import { countBooks, createBackup, vacuumInto } from "../backup-file.ts";
import { UsageError } from "../command.ts";
import { DURATION_TAKES, parseDuration } from "../duration.ts";
import { EXIT } from "../failure.ts";
import { createProgress, type Progress, summary } from "../progress.ts";
import type { Runtime } from "../runtime.ts";
import { readSecretFile } from "../secret-file.ts";
import { openTransfer } from "../transfer-database.ts";
import { prepareWholeFile } from "../whole-file.ts";

/** `thimble backup`: once into a file, or on a schedule into a directory. */
export async function backup(args: readonly string[], runtime: Runtime): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { every: { type: "string" }, keep: { type: "string" } },
  });
  const [path, ...others] = positionals;
  if (!path || others.length > 0) throw new UsageError("takes one FILE, or one DIRECTORY");
  const schedule = parseSchedule(values);
  if (schedule) {
    const { backUpOnSchedule } = await import("./backup-schedule.ts");
    await backUpOnSchedule({ ...schedule, directory: path, runtime });
    return EXIT.ok;
  }
  const config = parseDatabaseConfig(runtime.env, readSecretFile);
  const startedAt = performance.now();
  const progress = createProgress("Backing up");
  const books = await backUp(path, config, runtime, { progress });
  const megabytes = (statSync(path).size / 1e6).toFixed(1);
  runtime.stderr(`Backed up ${summary(books, startedAt)} to ${path}, ${megabytes} MB`);
  return EXIT.ok;
}

function parseSchedule({ every, keep }: { every?: string; keep?: string }) {
  if (every === undefined) {
    if (keep !== undefined) throw new UsageError("--keep goes with --every");
    return undefined;
  }
  const everyMs = parseDuration(every);
  if (everyMs === undefined) throw new UsageError(`--every takes ${DURATION_TAKES}`);
  if (keep === undefined) throw new UsageError("--every goes with --keep");
  if (!/^[1-9]\d{0,5}$/.test(keep)) throw new UsageError("--keep takes a whole number from 1");
  return { everyMs, keep: Number(keep) };
}

type BackUpOptions = { progress?: Progress; signal?: AbortSignal };

/**
 * Backs a database up into a file, whole or not at all.
 *
 * @returns how many books there are in it.
 */
export async function backUp(
  path: string,
  config: DatabaseCommandConfig,
  { clock }: Pick<Runtime, "clock">,
  options: BackUpOptions = {},
): Promise<number> {
  const file = prepareWholeFile(path, config.database, { resumable: false });
  const from = await openTransfer(config, clock, "read");
  try {
    const isWritten = from.sqlite !== undefined && vacuumInto(from.sqlite, file.part);
    if (!isWritten) await createBackup(file.part, clock, (to) => copy(from, to, options));
    const books = countBooks(file.part);
    file.commit();
    return books;
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

async function copy(
  from: TransferDatabase,
  to: TransferDatabase,
  { progress, signal }: BackUpOptions,
): Promise<void> {
  await from.read(async (snapshot) => {
    const total = await snapshot.countBooks();
    const onProgress = (books: number) => progress?.update(books, books / total);
    await to.write((loader) => copyDatabase(snapshot, loader, { onProgress, signal }));
  });
}
