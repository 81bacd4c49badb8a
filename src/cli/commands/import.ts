import { parseDatabaseConfig } from "../../config/config.ts";
import { EXIT } from "../../server/failure.ts";
import type { Runtime } from "../../server/runtime.ts";
import { readSecretFile } from "../../server/secrets/secret-file.ts";
import { RESOURCES } from "../../service.ts";
import { describeCount } from "../../transfer/copy.ts";
import { importEntries } from "../../transfer/import/import.ts";
import { secondsSince } from "../../transfer/progress.ts";
import { parseArguments } from "../arguments.ts";
import { resourceAndFile } from "../resource-argument.ts";

/** `thimble import`: adds the entries of NDJSON lines. */
export async function runImport(args: readonly string[], runtime: Runtime): Promise<number> {
  const { positionals } = parseArguments(args);
  const { resource, file = "-" } = resourceAndFile(positionals, RESOURCES);
  const config = parseDatabaseConfig(runtime.env, readSecretFile);
  const startedAt = performance.now();
  const { clock } = runtime;
  const { added, skipped, resumedAt } = await importEntries(file, { resource, config, clock });
  const resumed = resumedAt > 0 ? `, from line ${resumedAt + 1} on` : "";
  const known = skipped > 0 ? `; ${skipped} were there already` : "";
  const done = `${describeCount(resource, added)} in ${secondsSince(startedAt)}`;
  runtime.stderr(`Imported ${done}${resumed}${known}`);
  return EXIT.ok;
}
