import { statSync } from "node:fs";
import { parseDatabaseConfig } from "../../config/config.ts";
import { EXIT } from "../../server/failure.ts";
import type { Runtime } from "../../server/runtime.ts";
import { readSecretFile } from "../../server/secrets/secrets.ts";
import { backUp } from "../../transfer/backup/backup.ts";
import { createProgress, summary } from "../../transfer/progress.ts";
import { parseArguments } from "../arguments.ts";
import { UsageError } from "../command.ts";
import { DURATION_TAKES, parseDuration } from "../duration.ts";

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
    const { backUpOnSchedule } = await import("../../transfer/backup/schedule.ts");
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
