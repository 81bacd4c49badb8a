import { parseDatabaseConfig } from "../../config/config.ts";
import { EXIT } from "../../server/failure.ts";
import type { Runtime } from "../../server/runtime.ts";
import { readSecretFile } from "../../server/secrets/secrets.ts";
import { expectNoOtherBooks, writeLines } from "../../transfer/import/batches.ts";
import { type ImportInput, openInput } from "../../transfer/import/input.ts";
import { scanLines } from "../../transfer/import/scan.ts";
import { openTransfer, requirePersistent } from "../../transfer/open.ts";
import { createProgress, summary } from "../../transfer/progress.ts";
import { parseArguments } from "../arguments.ts";
import { UsageError } from "../command.ts";

/** `thimble import`: adds the books of NDJSON lines, every one or, where a line is wrong, none. */
export async function importBooks(args: readonly string[], runtime: Runtime): Promise<number> {
  const { positionals } = parseArguments({ args: [...args], allowPositionals: true });
  const [path = "-", ...others] = positionals;
  if (others.length > 0) throw new UsageError("takes one FILE");
  const config = parseDatabaseConfig(runtime.env, readSecretFile);
  requirePersistent(config.database);
  const input = await openInput(path, config.dataDirectory);
  try {
    const startedAt = performance.now();
    const { added, skipped, resumedAt } = await importInput(input, config, runtime);
    const resumed = resumedAt > 0 ? `, from line ${resumedAt + 1} on` : "";
    const known = skipped > 0 ? `; ${skipped} were there already` : "";
    runtime.stderr(`Imported ${summary(added, startedAt)}${resumed}${known}`);
  } finally {
    input.close();
  }
  return EXIT.ok;
}

async function importInput(
  input: ImportInput,
  config: Parameters<typeof openTransfer>[0],
  { clock }: Runtime,
) {
  const checking = createProgress("Checking");
  const scan = scanLines(input, checking);
  checking.end();
  const database = await openTransfer(config, clock, "write");
  const progress = createProgress("Importing");
  try {
    const resumedAt = await database.write(
      async (loader) => (await loader.importedLines(scan.sha256)) ?? 0,
    );
    await expectNoOtherBooks({ database, input, scan, resumedAt });
    const written = await writeLines({ database, input, scan, resumedAt, clock, progress });
    return { ...written, resumedAt };
  } finally {
    progress.end();
    await database.close();
  }
}
