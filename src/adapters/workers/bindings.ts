import {
  type Config,
  ConfigError,
  type DatabaseConfig,
  type Environment,
  hasKey,
  parseConfig,
} from "../../config/config.ts";
import type { D1Binding } from "../../database/d1.ts";

/** A Worker's configuration: variables and secrets, and the services bound to it, by name. */
export type Bindings = Readonly<Record<string, unknown>>;

type WorkersDatabase =
  | { kind: "d1"; binding: D1Binding }
  | Exclude<DatabaseConfig, { kind: "sqlite" }>;

export type WorkersConfig = Omit<Config, "database"> & { database: WorkersDatabase };

const DATABASE_CHOICES =
  "bind a D1 database as DB or Hyperdrive as HYPERDRIVE, or set DATABASE_URL to postgres://USER@HOST:PORT/NAME or memory:";

/**
 * Parses a Worker's bindings into a configuration, with the same variables as everywhere.
 *
 * @throws {ConfigError} with every problem at once.
 */
export function parseBindings(bindings: Bindings): WorkersConfig {
  const variables = variablesOf(bindings);
  const { DB: d1, HYPERDRIVE: hyperdrive } = bindings;
  const problems = databaseProblems(bindings);
  if (isHyperdrive(hyperdrive) && !isSet(variables.DATABASE_URL)) {
    variables.DATABASE_URL = hyperdrive.connectionString;
  }
  const config = parseVariables(variables, problems);
  const database = config && databaseOf(config, d1, problems);
  if (config && !hasKey(config)) {
    problems.push(
      "API_KEY is required, in development too, because instances start and end at any time",
    );
  }
  if (config?.rateLimitStore === "database") {
    problems.push(
      "RATE_LIMIT_STORE must be memory on Workers; limit all instances together with Cloudflare's rate limiting rules",
    );
  }
  if (!database || problems.length > 0) throw new ConfigError(problems);
  return { ...config, database };
}

/** Variables may also be numbers and booleans of JSON. */
function variablesOf(bindings: Bindings): Environment {
  const simple = Object.entries(bindings).filter(([, value]) =>
    ["string", "number", "boolean"].includes(typeof value),
  );
  return Object.fromEntries(simple.map(([name, value]) => [name, String(value)]));
}

/** An error is better than books that are suddenly in another database than yesterday. */
function databaseProblems(bindings: Bindings): string[] {
  const named = ["DB", "HYPERDRIVE", "DATABASE_URL"].filter((name) => isSet(bindings[name]));
  if (named.length > 1) return [`${named.join(" and ")} are set; set one of them`];
  if (named.length === 0) return [`no database: ${DATABASE_CHOICES}`];
  const problems: string[] = [];
  if (isSet(bindings.DB) && !isD1(bindings.DB)) problems.push("DB must be a D1 database");
  if (isSet(bindings.HYPERDRIVE) && !isHyperdrive(bindings.HYPERDRIVE)) {
    problems.push("HYPERDRIVE must be a Hyperdrive binding");
  }
  return problems;
}

function isSet(value: unknown): boolean {
  return typeof value === "string" ? value.trim() !== "" : value !== undefined;
}

function isD1(binding: unknown): binding is D1Binding {
  return typeof binding === "object" && binding !== null && "prepare" in binding;
}

function isHyperdrive(binding: unknown): binding is { connectionString: string } {
  return typeof binding === "object" && binding !== null && "connectionString" in binding;
}

function parseVariables(variables: Environment, problems: string[]): Config | undefined {
  try {
    return parseConfig(variables);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

function databaseOf(
  { database }: Config,
  d1: unknown,
  problems: string[],
): WorkersDatabase | undefined {
  if (isD1(d1)) return { kind: "d1", binding: d1 };
  if (database.kind !== "sqlite") return database;
  if (problems.length === 0) {
    problems.push(
      `DATABASE_URL names a SQLite file, and there are no files here: ${DATABASE_CHOICES}`,
    );
  }
  return undefined;
}
