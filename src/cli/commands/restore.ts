import { parseDatabaseConfig } from "../../config/config.ts";
import { EXIT } from "../../server/failure.ts";
import type { Runtime } from "../../server/runtime.ts";
import { readSecretFile } from "../../server/secrets/secret-file.ts";
import { RESOURCES } from "../../service.ts";
import { restoreBackup } from "../../transfer/backup/restore.ts";
import { describeContent } from "../../transfer/copy.ts";
import { secondsSince } from "../../transfer/progress.ts";
import { onlyPath, parseArguments } from "../arguments.ts";

/** `thimble restore`: puts a backup in place of what is in the database, all or nothing. */
export async function runRestore(args: readonly string[], runtime: Runtime): Promise<number> {
  const { env, clock, stderr } = runtime;
  const { values, positionals } = parseArguments(args, {
    force: { type: "boolean" },
    "without-unknown-tables": { type: "boolean" },
  });
  const path = onlyPath(positionals);
  const config = parseDatabaseConfig(env, readSecretFile);
  const startedAt = performance.now();
  const { file, ...content } = await restoreBackup(path, config, {
    resources: RESOURCES,
    clock,
    force: values.force ?? false,
    withoutUnknownTables: values["without-unknown-tables"] ?? false,
    report: stderr,
  });
  const what = describeContent(RESOURCES, content);
  stderr(`Restored ${what} in ${secondsSince(startedAt)} from ${file}`);
  return EXIT.ok;
}
