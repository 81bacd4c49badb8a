import { parseDatabaseConfig } from "../../config/config.ts";
import { EXIT } from "../../server/failure.ts";
import type { Runtime } from "../../server/runtime.ts";
import { readSecretFile } from "../../server/secrets/secret-file.ts";
import { RESOURCES } from "../../service.ts";
import { describeCount } from "../../transfer/copy.ts";
import { BrokenPipeError, exportToFile, exportToPipe } from "../../transfer/export.ts";
import type { ResourceSource } from "../../transfer/open.ts";
import { secondsSince } from "../../transfer/progress.ts";
import { parseArguments } from "../arguments.ts";
import { UsageError } from "../command.ts";
import { resourceAndFile } from "../resource-argument.ts";

const STANDARD_OUTPUT = 1;

/** The exit code of a process that a broken pipe has ended, as shells report it. */
const EXIT_BROKEN_PIPE = 141;

/** `thimble export`: the entries of a resource as NDJSON, by id, in one state of the database. */
export async function runExport(
  args: readonly string[],
  runtime: Runtime,
  standardOutput = STANDARD_OUTPUT,
): Promise<number> {
  const { values, positionals } = parseArguments(args, { resume: { type: "boolean" } });
  const { resource, file = "-" } = resourceAndFile(positionals, RESOURCES);
  const { resume = false } = values;
  if (resume && file === "-") throw new UsageError("--resume needs a FILE");
  const config = parseDatabaseConfig(runtime.env, readSecretFile);
  const source = { resource, config, clock: runtime.clock };
  if (file === "-") return toPipe(standardOutput, source, runtime);
  const startedAt = performance.now();
  const report = runtime.stderr;
  const { entries, after } = await exportToFile(file, source, { resume, report });
  const which = after === undefined ? "" : `, those after id ${after}`;
  report(
    `Exported ${describeCount(resource, entries)} in ${secondsSince(startedAt)} to ${file}${which}`,
  );
  return EXIT.ok;
}

async function toPipe(fd: number, source: ResourceSource, { stderr }: Runtime): Promise<number> {
  const startedAt = performance.now();
  try {
    const entries = await exportToPipe(fd, source);
    stderr(`Exported ${describeCount(source.resource, entries)} in ${secondsSince(startedAt)}`);
    return EXIT.ok;
  } catch (error) {
    if (error instanceof BrokenPipeError) return EXIT_BROKEN_PIPE;
    throw error;
  }
}
