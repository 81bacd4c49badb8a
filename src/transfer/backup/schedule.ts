import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseDatabaseConfig } from "../../config/config.ts";
import { SERVICE } from "../../identity.ts";
import type { Resource } from "../../resources/resource.ts";
import { CommandError, EXIT } from "../../server/failure.ts";
import type { Runtime } from "../../server/runtime.ts";
import { readSecretFile } from "../../server/secrets/secret-file.ts";
import { createLogger, describeError, type Logger } from "../../telemetry/logger.ts";
import { rfc3339 } from "../../time.ts";
import { failingAt, removeSqliteFile, wholeNameOf } from "../atomic-file.ts";
import type { BackupContent } from "../copy.ts";
import { requirePersistent } from "../open.ts";
import type { Progress } from "../progress.ts";
import { backUp } from "./backup.ts";

/** Timers count milliseconds in 31 bits. */
const LONGEST_SLEEP_MS = 3_600_000;

const BACKUP_NAME = new RegExp(
  String.raw`^${SERVICE.name}-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.db$`,
);

/** The backups of a directory, of which the newest stay. */
export type Series = {
  keep: number;
  directory: string;
  runtime: Runtime;
  resources: readonly Resource[];
  withoutUnknownTables: boolean;
};

type Schedule = Series & { everyMs: number };

type RunOptions = { progress?: Progress; signal?: AbortSignal };

/**
 * Backs up every so often, until a signal comes; for the first time when the newest backup in the directory
 * is as old, at once where there is none. A run that fails is logged, and the next one comes all the same.
 */
export async function backUpOnSchedule(schedule: Schedule): Promise<void> {
  const { everyMs, directory, runtime } = schedule;
  const { env, clock, stdout } = runtime;
  const { database, logLevel, logFormat } = parseDatabaseConfig(env, readSecretFile);
  requirePersistent(database);
  const logger = createLogger({ level: logLevel, format: logFormat, clock, write: stdout });
  const stopping = new AbortController();
  void runtime.untilSignal().then((signal) => stopping.abort(signal));
  // It asks to read secrets again, which every run does.
  runtime.onHangup(() => {});
  makeDirectory(directory);
  const first = firstRun(schedule, clock());
  logger.info("backing up on schedule", {
    directory,
    first_at: rfc3339(first),
    every_seconds: everyMs / 1000,
    keep: schedule.keep,
  });
  for (let next = first; !stopping.signal.aborted; next = Math.max(next + everyMs, clock())) {
    await sleepUntil(next, clock, stopping.signal);
    if (!stopping.signal.aborted) await runOnce(schedule, logger, stopping.signal);
  }
  logger.info("stopped", { signal: String(stopping.signal.reason) });
}

/** Only at the beginning: a directory that goes away later may be a volume that is not there any more. */
export function makeDirectory(path: string): void {
  if (existsSync(path) && !statSync(path).isDirectory()) {
    throw new CommandError(
      EXIT.cannotCreate,
      `${path} is no directory; with --keep, name the DIRECTORY that has the backups`,
    );
  }
  failingAt(path, () => mkdirSync(path, { recursive: true }));
}

/** A process that starts over and over would make a backup each time, and the good old ones would go. */
function firstRun({ directory, everyMs }: Schedule, now: number): number {
  const newest = backupsIn(directory).findLast(({ at }) => at <= now);
  return newest ? Math.max(newest.at + everyMs, now) : now;
}

async function runOnce(schedule: Schedule, logger: Logger, signal: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  const seconds = () => Math.round(performance.now() - startedAt) / 1000;
  try {
    const { file, counts, unknownTables } = await addBackup(schedule, { signal });
    logger.info("backed up", {
      file,
      entries: Object.fromEntries(counts),
      ...(unknownTables.length > 0 && { unknown_tables: unknownTables }),
      bytes: statSync(file).size,
      seconds: seconds(),
    });
    const { future, removed } = removeOld(schedule, file);
    for (const each of future) logger.warning(LEFT_ALONE, { file: each });
    for (const each of removed) logger.info("removed an old backup", { file: each });
  } catch (error) {
    if (signal.aborted) return;
    logger.error("backup failed", { seconds: seconds(), ...describeError(error) });
  }
}

export const LEFT_ALONE = "a backup with a name in the future is left alone";

/**
 * Makes the next backup of a directory, under the time as its name.
 *
 * @throws {CommandError}
 */
export async function addBackup(
  { directory, runtime: { env, clock }, resources, withoutUnknownTables }: Series,
  options: RunOptions = {},
): Promise<BackupContent & { file: string }> {
  const config = parseDatabaseConfig(env, readSecretFile);
  requirePersistent(config.database);
  removeUnfinished(directory);
  const file = join(directory, backupName(clock()));
  const content = await backUp(file, config, {
    resources,
    clock,
    withoutUnknownTables,
    ...options,
  });
  return { ...content, file };
}

/**
 * Keeps the backup that was just made and the newest before it.
 *
 * @returns the files that are gone; and those with a name in the future, which stay: the clock was wrong when
 *   they were made, or is now, and nobody knows which is older than which.
 */
export function removeOld({ directory, keep, runtime }: Series, made: string) {
  const now = runtime.clock();
  const others = backupsIn(directory)
    .map(({ name, at }) => ({ file: join(directory, name), at }))
    .filter(({ file }) => file !== made);
  const earlier = others.filter(({ at }) => at <= now);
  const removed = earlier.slice(0, Math.max(earlier.length - (keep - 1), 0));
  for (const { file } of removed) rmSync(file);
  const fileOf = ({ file }: { file: string }) => file;
  return { removed: removed.map(fileOf), future: others.filter(({ at }) => at > now).map(fileOf) };
}

/** Sorts by time, in a directory too. */
function backupName(at: number): string {
  const time = rfc3339(at).replace(/[-:]|\.\d+/g, "");
  return `${SERVICE.name}-${time}.db`;
}

/** A backup in a directory, and when it was made by its name, in milliseconds since the Unix epoch. */
type ScheduledBackup = { name: string; at: number };

/** The backups that a schedule has made in a directory, from the oldest to the newest by their names. */
export function backupsIn(directory: string): ScheduledBackup[] {
  return readdirSync(directory)
    .map((name) => ({ name, at: timeOf(name) }))
    .filter(({ at }) => Number.isFinite(at))
    .sort((left, right) => left.at - right.at);
}

/** `NaN` where it is no name of a backup. */
function timeOf(name: string): number {
  if (!BACKUP_NAME.test(name)) return Number.NaN;
  return Date.parse(name.replace(BACKUP_NAME, "$1-$2-$3T$4:$5:$6Z"));
}

/** What a process has left that was killed. One directory belongs to one schedule, or to one job. */
function removeUnfinished(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (BACKUP_NAME.test(wholeNameOf(name) ?? "")) removeSqliteFile(join(directory, name));
  }
}

/** Ends at a time of the clock, or when the signal is given. */
export async function sleepUntil(
  time: number,
  clock: () => number,
  signal: AbortSignal,
): Promise<void> {
  for (let left = time - clock(); left > 0 && !signal.aborted; left = time - clock()) {
    // It rejects when the signal is given.
    await pause(Math.min(left, LONGEST_SLEEP_MS), undefined, { signal }).catch(() => {});
  }
}
