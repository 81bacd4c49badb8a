import { statSync } from "node:fs";
import { parseDatabaseConfig } from "../../config/config.ts";
import { EXIT } from "../../server/failure.ts";
import type { Runtime } from "../../server/runtime.ts";
import { readSecretFile } from "../../server/secrets/secret-file.ts";
import { RESOURCES } from "../../service.ts";
import { backUp } from "../../transfer/backup/backup.ts";
import {
  addBackup,
  backUpOnSchedule,
  LEFT_ALONE,
  makeDirectory,
  removeOld,
  type Series,
} from "../../transfer/backup/schedule.ts";
import { type BackupContent, describeContent } from "../../transfer/copy.ts";
import { createProgress, secondsSince } from "../../transfer/progress.ts";
import { onlyPath, parseArguments } from "../arguments.ts";
import { UsageError } from "../command.ts";

const DAY_MS = 86_400_000;
const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: DAY_MS };
const MAX_DAYS = 366;

/** `thimble backup`: once into a file or a directory, or on a schedule into a directory. */
export async function runBackup(args: readonly string[], runtime: Runtime): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    every: { type: "string" },
    keep: { type: "string" },
    "without-unknown-tables": { type: "boolean" },
  });
  const path = onlyPath(positionals);
  const withoutUnknownTables = values["without-unknown-tables"] ?? false;
  const { everyMs, keep } = parseSchedule(values);
  const options = { resources: RESOURCES, withoutUnknownTables };
  if (keep === undefined) return backUpFile(path, options, runtime);
  const series = { ...options, keep, directory: path, runtime };
  if (everyMs === undefined) return backUpDirectory(series);
  await backUpOnSchedule({ ...series, everyMs });
  return EXIT.ok;
}

type Options = Pick<Series, "resources" | "withoutUnknownTables">;

async function backUpFile(
  path: string,
  options: Options,
  { env, clock, stderr }: Runtime,
): Promise<number> {
  const config = parseDatabaseConfig(env, readSecretFile);
  const startedAt = performance.now();
  const content = await backUp(path, config, { ...options, clock, progress: showProgress() });
  stderr(describe({ ...content, file: path }, startedAt));
  return EXIT.ok;
}

/** For what runs it at its own times, such as cron. */
async function backUpDirectory(series: Series): Promise<number> {
  const { stderr } = series.runtime;
  const startedAt = performance.now();
  makeDirectory(series.directory);
  const made = await addBackup(series, { progress: showProgress() });
  stderr(describe(made, startedAt));
  const { future, removed } = removeOld(series, made.file);
  for (const file of future) stderr(`${LEFT_ALONE}: ${file}`);
  for (const file of removed) stderr(`Removed ${file}`);
  return EXIT.ok;
}

const showProgress = () => createProgress("Backing up", "entries");

function describe(
  { file, ...content }: BackupContent & { file: string },
  startedAt: number,
): string {
  const what = describeContent(RESOURCES, content);
  const megabytes = (statSync(file).size / 1e6).toFixed(1);
  return `Backed up ${what} in ${secondsSince(startedAt)} to ${file}, ${megabytes} MB`;
}

function parseSchedule({ every, keep }: { every?: string; keep?: string }) {
  if (keep !== undefined && !/^[1-9]\d{0,5}$/.test(keep)) {
    throw new UsageError(`--keep expects a whole number from 1; received ${keep}`);
  }
  const kept = keep === undefined ? undefined : Number(keep);
  if (every === undefined) return { keep: kept };
  const everyMs = parseDuration(every);
  if (everyMs === undefined) {
    throw new UsageError(
      `--every expects a whole number of s, m, h or d such as 15m or 24h, at most ${MAX_DAYS}d`,
    );
  }
  if (kept === undefined) {
    throw new UsageError("--every goes with --keep, the number of backups that stay");
  }
  return { everyMs, keep: kept };
}

/** The milliseconds that a text such as `90s` or `24h` stands for; `undefined` for any other text. */
export function parseDuration(text: string): number | undefined {
  const [, count = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const milliseconds = Number(count) * (UNITS[unit] ?? 0);
  return milliseconds > 0 && milliseconds <= MAX_DAYS * DAY_MS ? milliseconds : undefined;
}
