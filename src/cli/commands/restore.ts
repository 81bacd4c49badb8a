import { parseDatabaseConfig } from "../../config/config.ts";
import { EXIT } from "../../server/failure.ts";
import type { Runtime } from "../../server/runtime.ts";
import { readSecretFile } from "../../server/secrets/secrets.ts";
import { RESOURCES } from "../../service.ts";
import { restoreBackup } from "../../transfer/backup/restore.ts";
import { describeCounts } from "../../transfer/copy.ts";
import { secondsSince } from "../../transfer/progress.ts";
import { parseArguments } from "../arguments.ts";
import { UsageError } from "../command.ts";

/** `thimble restore`: puts a backup in place of what is in the database, all or nothing. */
export async function runRestore(args: readonly string[], runtime: Runtime): Promise<number> {
  const { env, clock, stderr } = runtime;
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { force: { type: "boolean" }, "without-unknown-tables": { type: "boolean" } },
  });
  const [path, ...others] = positionals;
  if (!path || others.length > 0) throw new UsageError("expected one FILE, or one DIRECTORY");
  const startedAt = performance.now();
  const { file, counts, unknownTables } = await restoreBackup(
    path,
    parseDatabaseConfig(env, readSecretFile),
    {
      resources: RESOURCES,
      clock,
      force: values.force ?? false,
      withoutUnknownTables: values["without-unknown-tables"] ?? false,
      report: stderr,
    },
  );
  const entries = describeCounts(RESOURCES, counts);
  const tables = unknownTables.length > 0 ? `, and the tables ${unknownTables.join(", ")}` : "";
  stderr(`Restored ${entries}${tables} in ${secondsSince(startedAt)} from ${file}`);
  return EXIT.ok;
}
