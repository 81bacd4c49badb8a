import { openResource, type ResourceSource, requirePersistent } from "../open.ts";
import { createProgress } from "../progress.ts";
import { requireNoOtherEntries, writeLines } from "./batches.ts";
import { openInput } from "./input.ts";
import { scanLines } from "./scan.ts";

/** What an import did: entries added, lines whose entries were there already, and lines of an earlier run. */
type ImportResult = { added: number; skipped: number; resumedAt: number };

/**
 * Adds the entries of NDJSON lines to a resource. All lines are validated before the first is written; they
 * are written batch by batch, and the same import goes on where one was cut short.
 *
 * @param path of a file; `-` reads standard input.
 * @throws {CommandError} that names the lines that are wrong.
 */
export async function importEntries(path: string, target: ResourceSource): Promise<ImportResult> {
  const { resource, config, clock } = target;
  requirePersistent(config.database);
  const input = await openInput(path, config.dataDirectory);
  try {
    const checking = createProgress("Checking", "lines");
    const scan = scanLines(resource, input, checking);
    checking.end();
    const database = await openResource(target, "write");
    const progress = createProgress("Importing", resource.name);
    try {
      const resumedAt = await database.write(
        [],
        async (loader) => (await loader.importedLines(resource, scan.sha256)) ?? 0,
      );
      const job = { resource, database, input, scan, resumedAt };
      await requireNoOtherEntries(job);
      return { ...(await writeLines({ ...job, clock, progress })), resumedAt };
    } finally {
      progress.end();
      await database.close();
    }
  } finally {
    input.close();
  }
}
