import type { DatabaseCommandConfig } from "../../config/config.ts";
import type { Runtime } from "../../server/runtime.ts";
import { prepareWholeFile } from "../atomic-file.ts";
import { copyDatabase, type TransferDatabase } from "../copy.ts";
import { openTransfer } from "../open.ts";
import type { Progress } from "../progress.ts";
import { countBooks, createBackup, vacuumInto } from "./file.ts";

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
