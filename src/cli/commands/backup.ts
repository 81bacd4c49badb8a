import { statSync } from "node:fs";
import { parseDatabaseConfig } from "../../config/config.ts";
import { EXIT } from "../../server/failure.ts";
import type { Runtime } from "../../server/runtime.ts";
import { readSecretFile } from "../../server/secrets/secret-file.ts";
import { RESOURCES } from "../../service.ts";
import { backUp } from "../../transfer/backup/backup.ts";
import { describeContent } from "../../transfer/copy.ts";
import { createProgress, secondsSince } from "../../transfer/progress.ts";
import { onlyPath, parseArguments } from "../arguments.ts";
import { UsageError } from "../command.ts";

const DAY_MS = 86_400_000;
const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: DAY_MS };
const MAX_DAYS = 366;

/** `thimble backup`: once into a file, or on a schedule into a directory. */
export async function runBackup(args: readonly string[], runtime: Runtime): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    every: { type: "string" },
    keep: { type: "string" },
    "without-unknown-tables": { type: "boolean" },
  });
  const path = onlyPath(positionals);
  const withoutUnknownTables = values["without-unknown-tables"] ?? false;
  const schedule = parseSchedule(values);
  if (schedule) {
    const { backUpOnSchedule } = await import("../../transfer/backup/schedule.ts");
    const options = { resources: RESOURCES, withoutUnknownTables };
    await backUpOnSchedule({ ...schedule, ...options, directory: path, runtime });
    return EXIT.ok;
  }
  const config = parseDatabaseConfig(runtime.env, readSecretFile);
  const startedAt = performance.now();
  const content = await backUp(path, config, {
    resources: RESOURCES,
    clock: runtime.clock,
    withoutUnknownTables,
    progress: createProgress("Backing up", "entries"),
  });
  const what = describeContent(RESOURCES, content);
  const megabytes = (statSync(path).size / 1e6).toFixed(1);
  const seconds = secondsSince(startedAt);
  runtime.stderr(`Backed up ${what} in ${seconds} to ${path}, ${megabytes} MB`);
  return EXIT.ok;
}

function parseSchedule({ every, keep }: { every?: string; keep?: string }) {
  if (every === undefined) {
    if (keep !== undefined) throw new UsageError("--keep goes with --every");
    return undefined;
  }
  const everyMs = parseDuration(every);
  if (everyMs === undefined) {
    throw new UsageError(
      `--every expects a whole number of s, m, h or d such as 15m or 24h, at most ${MAX_DAYS}d`,
    );
  }
  if (keep === undefined) throw new UsageError("--every goes with --keep");
  if (!/^[1-9]\d{0,5}$/.test(keep)) throw new UsageError("--keep expects a whole number from 1");
  return { everyMs, keep: Number(keep) };
}

/** The milliseconds that a text such as `90s` or `24h` stands for; `undefined` for any other text. */
export function parseDuration(text: string): number | undefined {
  const [, count = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const milliseconds = Number(count) * (UNITS[unit] ?? 0);
  return milliseconds > 0 && milliseconds <= MAX_DAYS * DAY_MS ? milliseconds : undefined;
}
