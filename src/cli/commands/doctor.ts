import { accessSync, constants, existsSync, statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import {
  type Config,
  type DatabaseConfig,
  hasKey,
  parseProbeAddress,
} from "../../config/config.ts";
import type { Database } from "../../database/database.ts";
import {
  isNewer,
  requireCompatible,
  type SchemaState,
} from "../../database/migrations/migration.ts";
import { grouped } from "../../grouped.ts";
import { SERVICE } from "../../identity.ts";
import { openDatabase } from "../../server/database/open-database.ts";
import { readSchema } from "../../server/database/schema.ts";
import { EXIT, explainFailure } from "../../server/failure.ts";
import { neededFds } from "../../server/file-descriptors.ts";
import { authority, listenOn, whyNotListening } from "../../server/listening.ts";
import type { Runtime } from "../../server/runtime.ts";
import { readConfig } from "../../server/secrets/secrets.ts";
import { maxFds } from "../../server/telemetry/process-usage.ts";
import { rfc3339 } from "../../time.ts";
import { checkHealth } from "./healthcheck.ts";

const MIB = 1024 * 1024;
const LEAST_MEMORY = 32 * MIB;
const LEAST_DISK = 100 * MIB;
/** No clock that is right shows an earlier time than that in which this was written. */
const WRITTEN_AT = Date.UTC(2026, 10, 1);
const CLOCK_TOLERANCE_MS = 5000;
const SOON_MS = 7 * 24 * 60 * 60 * 1000;
const IDLE_SECONDS = 10;

/** What a check found: what is well, or what is wrong and what to do. */
type Finding = { what: string; says: string; isWell: boolean };

const well = (what: string, says: string): Finding => ({ what, says, isWell: true });
const wrong = (what: string, says: string): Finding => ({ what, says, isWell: false });

/**
 * `thimble doctor`: checks what the service needs, as it is configured now, and makes nothing. It prints a
 * line for each check: what is well, or what is wrong and what to do.
 *
 * @returns 0 if all is well, else 1.
 */
export async function runDoctor(
  _args: readonly string[],
  runtime: Runtime,
  fileLimit = maxFds(),
): Promise<number> {
  const findings = await examine(runtime, fileLimit);
  for (const { what, says, isWell } of findings) {
    runtime.stdout(`${isWell ? "ok   " : "wrong"}  ${what.padEnd(13)}  ${says}`);
  }
  return findings.every(({ isWell }) => isWell) ? EXIT.ok : EXIT.failure;
}

async function examine(runtime: Runtime, fileLimit: number | undefined): Promise<Finding[]> {
  try {
    return await examineConfigured(readConfig(runtime.env).config, runtime, fileLimit);
  } catch (error) {
    const problems = explainFailure(error)?.problems;
    if (!problems) throw error;
    return problems.map((problem) => wrong("configuration", problem));
  }
}

async function examineConfigured(
  config: Config,
  runtime: Runtime,
  fileLimit: number | undefined,
): Promise<Finding[]> {
  return [
    well("configuration", `for ${config.environment}`),
    await checkPort(config, { variable: "PORT", port: config.port }, runtime),
    ...(config.metricsPort === undefined
      ? []
      : [await checkPort(config, { variable: "METRICS_PORT", port: config.metricsPort }, runtime)]),
    checkKeys(config, runtime.clock()),
    ...(await checkDatabase(config, runtime.clock())),
    ...(await checkDisk(config.database)),
    ...checkLimits(config, runtime, fileLimit),
    checkClock(runtime.clock()),
  ];
}

async function checkPort(
  { host, maxHeaderBytes }: Config,
  { variable, port }: { variable: string; port: number },
  runtime: Runtime,
): Promise<Finding> {
  try {
    const server = await listenOn(runtime, () => new Response(null, { status: 503 }), {
      host,
      port,
      idleTimeoutSeconds: IDLE_SECONDS,
      requestTimeoutSeconds: IDLE_SECONDS,
      maxHeadBytes: maxHeaderBytes,
    });
    await server.stop();
    return well(variable, `${authority({ host: server.host, port })} is free`);
  } catch (error) {
    if ((await checkHealth(parseProbeAddress(runtime.env))) === undefined) {
      return well(variable, `the service answers on ${authority({ host, port })}, and is ready`);
    }
    const code = String((error as { code?: unknown }).code ?? error);
    return wrong(variable, whyNotListening(code, { host, port, variable }));
  }
}

function checkKeys(config: Config, now: number): Finding {
  if (!hasKey(config)) return well("keys", "none; development makes one for each run");
  const dates = config.apiKeys.flatMap(({ name, expires }) =>
    expires === undefined ? [] : [{ name, expires }],
  );
  const over = dates.find(({ expires }) => expires <= now);
  if (over) return wrong("keys", `${over.name} has expired; remove its line from API_KEYS`);
  const soon = dates.find(({ expires }) => expires - now < SOON_MS);
  if (soon) {
    return wrong(
      "keys",
      `${soon.name} expires on ${rfc3339(soon.expires)}; make its successor: ${SERVICE.name} key new`,
    );
  }
  const count = config.apiKeys.length + (config.apiKey === undefined ? 0 : 1);
  return well("keys", `${count}, none of which expires within a week`);
}

async function checkDatabase(config: Config, now: number): Promise<Finding[]> {
  const { database: place } = config;
  if (place.kind === "sqlite" && !existsSync(place.path)) return [checkNewFile(place.path)];
  // Before it is opened, which may write to it.
  const writtenAt = place.kind === "sqlite" ? statSync(place.path).mtimeMs : undefined;
  const answer = well("database", `${place.kind} answers`);
  try {
    const schema = await readSchema(place);
    const findings = checkSchema(schema);
    // Any operation on PostgreSQL would migrate it.
    if (place.kind === "postgres" && findings.length > 0) return [answer, ...findings];
    const { database } = await openDatabase(config);
    try {
      const state = await database.ping();
      return [
        state === "ok" ? answer : wrong("database", `${place.kind} takes no writes: ${state}`),
        ...findings,
        ...(await checkDatabaseClock(database, writtenAt, now)),
      ];
    } finally {
      await database.close();
    }
  } catch (error) {
    const failure = explainFailure(error);
    if (!failure) throw error;
    return [wrong("database", `${failure.message}; look at DATABASE_URL`)];
  }
}

/** Nothing of a schema that is up to date. @throws {NewerSchemaError} */
function checkSchema(schema: SchemaState | undefined): Finding[] {
  if (!schema) return [];
  const { version, known } = schema;
  requireCompatible(schema, known);
  if (isNewer(schema)) {
    return [well("schema", `version ${version} is of a newer release, and works with this one`)];
  }
  if (version === known) return [];
  return [well("schema", `version ${version}; the next start brings it to ${known}`)];
}

/** Whether the file of SQLite can be made at the first start. */
function checkNewFile(path: string): Finding {
  const parent = existingParent(path);
  if (!statSync(parent).isDirectory()) {
    return wrong("database", `${path} cannot be made: ${parent} is no directory`);
  }
  try {
    accessSync(parent, constants.W_OK);
    return well("database", `${path} will be made at the first start`);
  } catch {
    return wrong("database", `${path} cannot be made: this user cannot write to ${parent}`);
  }
}

function existingParent(path: string): string {
  const parent = dirname(path);
  return existsSync(parent) || parent === dirname(parent) ? parent : existingParent(parent);
}

/** Dates of entries are this machine's, so that two clocks must not differ. */
async function checkDatabaseClock(
  database: Database,
  writtenAt: number | undefined,
  now: number,
): Promise<Finding[]> {
  if (database.kind === "postgres") {
    const [row] = await database.read((query) => query("SELECT now() AS now"));
    const difference = Math.abs(Number(row?.now) - now);
    if (difference < CLOCK_TOLERANCE_MS) return [];
    return [wrong("clock", `differs from PostgreSQL's by ${difference} ms; let both follow NTP`)];
  }
  if (writtenAt === undefined || writtenAt - now < CLOCK_TOLERANCE_MS) return [];
  return [
    wrong("clock", `is earlier than the last write to the database, at ${rfc3339(writtenAt)}`),
  ];
}

async function checkDisk(place: DatabaseConfig): Promise<Finding[]> {
  if (place.kind !== "sqlite") return [];
  const directory = existingParent(place.path);
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  const says = `${megabytes(free)} free in ${directory}`;
  if (free >= LEAST_DISK) return [well("disk", says)];
  return [wrong("disk", `${says}; make room, or move DATA_DIR`)];
}

function checkLimits(
  { maxConcurrentRequests, databasePoolSize }: Config,
  runtime: Runtime,
  limit: number | undefined,
) {
  const needed = neededFds({ maxConcurrentRequests, databasePoolSize });
  const left = runtime.memoryLeft?.();
  return [
    limit !== undefined && limit < needed
      ? wrong("open files", `${limit} of ${needed}; ulimit -n ${needed}, or LimitNOFILE`)
      : well("open files", `${limit ?? "no limit known"}; ${needed} are needed`),
    ...(left === undefined ? [] : [checkMemory(left)]),
  ];
}

function checkMemory(left: number): Finding {
  if (left >= LEAST_MEMORY) return well("memory", `${megabytes(left)} left`);
  return wrong("memory", `${megabytes(left)} left; give it more (docs/limits.md)`);
}

function checkClock(now: number): Finding {
  const says = `${rfc3339(now)}`;
  if (now >= WRITTEN_AT) return well("clock", says);
  return wrong("clock", `${says} is long over; keys and certificates need the right time`);
}

function megabytes(bytes: number): string {
  return `${grouped(Math.round(bytes / 1e6))} MB`;
}
