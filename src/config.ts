import { z } from "zod";
import { LOG_FORMATS, LOG_LEVELS } from "./logger.ts";

declare module "zod" {
  interface GlobalMeta {
    /** What a variable takes, as a problem with it and the README say it. */
    takes?: string;
    /** The default, where the README shows it in other words than the value's. */
    defaultText?: string;
    /** Whether the variable may also come from a file named by `NAME_FILE`. */
    secret?: boolean;
  }
}

/**
 * What managed servers put into the URLs they hand out for libpq's sake; the driver would pass it on to
 * the server, which refuses it.
 */
const LIBPQ_PARAMETERS = ["channel_binding", "gssencmode"];

/** Environment variables by name. */
export type Environment = Record<string, string | undefined>;

/** Reads a whole text file; throws an Error whose `code` says why it cannot. */
export type ReadFile = (path: string) => string;

/** Where books live, as `DATABASE_URL` says it. */
export type DatabaseConfig =
  | { kind: "memory" }
  | { kind: "sqlite"; path: string }
  | { kind: "postgres"; url: string };

const API_KEY_MIN_LENGTH = 16;
const MIB = 1024 * 1024;

const flag = z.stringbool();

const integer = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .pipe(z.number().min(minimum).max(maximum));

const upperCased = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.string().toUpperCase().pipe(z.enum(values));

const origin = z
  .string()
  .refine((value) => value === "*" || (!value.includes("*") && URL.parse(value)?.origin === value));

/** Every variable: how it is validated, its default, and what the README and a problem say of it. */
export const variables = z.object({
  ENVIRONMENT: z.enum(["production", "staging", "test", "development"]).default("production").meta({
    takes: "`production`, `staging`, `test` or `development`",
    description: "Where this runs. Only `development` starts without an `API_KEY`.",
  }),
  API_KEY: z
    .string()
    .min(API_KEY_MIN_LENGTH)
    .regex(/^[\x21-\x7e]+$/)
    .optional()
    .meta({
      takes: `at least ${API_KEY_MIN_LENGTH} printable ASCII characters without spaces`,
      description: "The key that protected routes ask for. Required outside `development`.",
      secret: true,
    }),
  HOST: z
    .string()
    .regex(/^[\w.:-]+$/)
    .default("0.0.0.0")
    .meta({
      takes: "an IP address or a host name",
      description: "The address to listen on.",
    }),
  PORT: integer(0, 65_535).default(5000).meta({
    takes: "a port number from 0 to 65535; 0 lets the system choose",
    description: "The port to listen on.",
  }),
  DEBUG: flag.default(false).meta({
    takes: "`true` or `false`",
    description:
      "Logs everything from level DEBUG up, and stack traces of expected faults too. Responses stay the same.",
  }),
  LOG_LEVEL: upperCased(LOG_LEVELS).default("INFO").meta({
    takes: "`DEBUG`, `INFO`, `WARNING` or `ERROR`",
    description: "The least severe level that is logged.",
  }),
  LOG_FORMAT: z.enum(LOG_FORMATS).default("json").meta({
    takes: "`json` or `text`",
    description: "One JSON object a line, or a line for people.",
  }),
  DATABASE_URL: z.string().optional().meta({
    takes: "`sqlite:PATH`, `memory:` or `postgres://USER@HOST:PORT/NAME`",
    defaultText: "SQLite in `DATA_DIR`",
    description: "Where books live.",
    secret: true,
  }),
  DATABASE_PASSWORD: z.string().optional().meta({
    takes: "a password, together with a `postgres://` `DATABASE_URL` that has none",
    description: "Joined into `DATABASE_URL`.",
    secret: true,
  }),
  DATABASE_POOL_SIZE: integer(1, 1000).default(10).meta({
    takes: "a whole number from 1 to 1000",
    description: "The most connections to PostgreSQL.",
  }),
  DATA_DIR: z.string().default("./data").meta({
    takes: "the path of a directory",
    description: "Holds the SQLite file `thimble.db`; made if missing.",
  }),
  MAX_BODY_BYTES: integer(1, 1024 * MIB)
    .default(MIB)
    .meta({
      takes: `a whole number of bytes from 1 to ${1024 * MIB}`,
      description: "The largest request body; a larger one is a 413.",
    }),
  REQUEST_TIMEOUT_SECONDS: integer(1, 240).default(30).meta({
    takes: "a whole number of seconds from 1 to 240",
    description: "How long a request may take before it is answered with a 503.",
  }),
  SEED_BOOKS: flag.default(true).meta({
    takes: "`true` or `false`",
    description: "Adds two books at the first start of an empty database.",
  }),
  PUBLIC_READS: flag.default(true).meta({
    takes: "`true` or `false`",
    description: "Whether books can be read without a key.",
  }),
  CORS_ORIGINS: z
    .string()
    .transform((list) => list.split(",").map((entry) => entry.trim()))
    .pipe(z.array(origin))
    .default([])
    .meta({
      takes: "origins such as `https://app.example`, separated by commas, or `*`",
      defaultText: "none",
      description: "The browser origins that may call the API.",
    }),
});

/** The variables that may come from a file: each `NAME` also as `NAME_FILE`. */
export const secretNames = Object.entries(variables.shape)
  .filter(([, schema]) => schema.meta()?.secret)
  .map(([name]) => name);

/** A configuration that cannot work: every problem of it, each naming its variable, never a value. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** The configuration of one run. */
export type Config = ReturnType<typeof parseConfig>;

/**
 * Parses the environment into a configuration, once.
 *
 * A variable that is set to nothing counts as unset, as Compose passes on what its own environment
 * lacks.
 *
 * @param readFile left out where there are no files; then `NAME_FILE` is a problem.
 * @throws {ConfigError} with every problem at once.
 */
export function parseConfig(environment: Environment, readFile?: ReadFile) {
  const problems: string[] = [];
  const values = withSecrets(withoutEmpty(environment), readFile, problems);
  const parsed = variables.safeParse(values);
  if (!parsed.success) problems.push(...wrongVariables(parsed.error));
  if (values.ENVIRONMENT !== "development" && !has(environment, "API_KEY")) {
    const orFile = readFile ? ". API_KEY_FILE may name a file" : "";
    problems.push(`API_KEY is required; it takes ${takes("API_KEY")}${orFile}`);
  }
  const database = parseDatabase(values, problems);
  if (!parsed.success || !database || problems.length > 0) throw new ConfigError(problems);
  const { data } = parsed;
  return {
    environment: data.ENVIRONMENT,
    apiKey: data.API_KEY,
    host: data.HOST,
    port: data.PORT,
    debug: data.DEBUG,
    ...databaseCommandConfig(data, database),
    maxBodyBytes: data.MAX_BODY_BYTES,
    requestTimeoutSeconds: data.REQUEST_TIMEOUT_SECONDS,
    publicReads: data.PUBLIC_READS,
    corsOrigins: data.CORS_ORIGINS,
  };
}

const DATABASE_VARIABLES = {
  DATABASE_URL: true,
  DATABASE_PASSWORD: true,
  DATABASE_POOL_SIZE: true,
  DATA_DIR: true,
  SEED_BOOKS: true,
  DEBUG: true,
  LOG_LEVEL: true,
  LOG_FORMAT: true,
} as const;

type DatabaseVariables = Pick<z.output<typeof variables>, keyof typeof DATABASE_VARIABLES>;

/** What a command goes by that only touches the database. */
export type DatabaseCommandConfig = ReturnType<typeof databaseCommandConfig>;

/**
 * Parses what a command needs that only touches the database; the rest of the environment, an API key
 * before all, does not matter.
 *
 * @throws {ConfigError} with every problem at once.
 */
export function parseDatabaseConfig(
  environment: Environment,
  readFile: ReadFile,
): DatabaseCommandConfig {
  const problems: string[] = [];
  const names = Object.keys(DATABASE_VARIABLES).flatMap((name) => [name, `${name}_FILE`]);
  const own = Object.fromEntries(names.map((name) => [name, environment[name]]));
  const values = withSecrets(withoutEmpty(own), readFile, problems);
  const parsed = variables.pick(DATABASE_VARIABLES).safeParse(values);
  if (!parsed.success) problems.push(...wrongVariables(parsed.error));
  const database = parseDatabase(values, problems);
  if (!parsed.success || !database || problems.length > 0) throw new ConfigError(problems);
  return databaseCommandConfig(parsed.data, database);
}

function databaseCommandConfig(data: DatabaseVariables, database: DatabaseConfig) {
  return {
    logLevel: data.DEBUG ? ("DEBUG" as const) : data.LOG_LEVEL,
    logFormat: data.LOG_FORMAT,
    database,
    databasePoolSize: data.DATABASE_POOL_SIZE,
    dataDirectory: data.DATA_DIR,
    seedBooks: data.SEED_BOOKS,
  };
}

/**
 * The address that a client on this machine reaches the service at.
 *
 * @throws {ConfigError} when HOST or PORT is wrong; the rest of the environment does not matter.
 */
export function parseListenAddress(environment: Environment): { host: string; port: number } {
  const parsed = variables.pick({ HOST: true, PORT: true }).safeParse(withoutEmpty(environment));
  if (!parsed.success) throw new ConfigError(wrongVariables(parsed.error));
  return { host: parsed.data.HOST, port: parsed.data.PORT };
}

/** The variables that are set to something. */
export function withoutEmpty(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim()));
}

function has(environment: Environment, name: string): boolean {
  return Boolean(environment[name]?.trim() || environment[`${name}_FILE`]?.trim());
}

function takes(name: string): string | undefined {
  const schema = (variables.shape as Record<string, z.ZodType>)[name];
  return schema?.meta()?.takes?.replaceAll("`", "");
}

function wrongVariables(error: z.ZodError): string[] {
  const names = new Set(error.issues.map(({ path }) => String(path[0])));
  return [...names].map((name) => `${name} takes ${takes(name)}`);
}

/** The environment with the content of every secret's file in the place of its variable. */
function withSecrets(
  environment: Environment,
  readFile: ReadFile | undefined,
  problems: string[],
): Environment {
  const values = { ...environment };
  for (const name of secretNames) {
    const file = environment[`${name}_FILE`];
    if (file === undefined) continue;
    if (!readFile) {
      problems.push(`${name}_FILE is set, and there are no files here; set ${name}`);
      continue;
    }
    if (environment[name] !== undefined) {
      problems.push(`${name} and ${name}_FILE are both set; set one of them`);
      continue;
    }
    const secret = readSecret(`${name}_FILE`, file, readFile, problems);
    if (secret) values[name] = secret;
  }
  return values;
}

function readSecret(name: string, path: string, readFile: ReadFile, problems: string[]) {
  try {
    const secret = readFile(path).trim();
    if (!secret) problems.push(`${name} names an empty file`);
    return secret;
  } catch (error) {
    // Not the message, which holds the path: that is the secret, where someone took NAME_FILE for NAME.
    const { code } = error as { code?: string };
    problems.push(`${name} names a file that cannot be read: ${code ?? "unknown error"}`);
    return undefined;
  }
}

function parseDatabase(values: Environment, problems: string[]): DatabaseConfig | undefined {
  const { DATABASE_URL: url, DATABASE_PASSWORD: password } = values;
  if (password !== undefined && !/^postgres(ql)?:/.test(url ?? "")) {
    problems.push(`DATABASE_PASSWORD takes ${takes("DATABASE_PASSWORD")}`);
  }
  if (url === undefined) {
    return { kind: "sqlite", path: `${values.DATA_DIR ?? "./data"}/thimble.db` };
  }
  if (url === "memory:") return { kind: "memory" };
  const sqlitePath = /^sqlite:(?:\/\/|(?!\/\/))(?!:)(.+)$/.exec(url)?.[1];
  if (sqlitePath) return { kind: "sqlite", path: sqlitePath };
  const postgres = parsePostgresUrl(url);
  if (!postgres) {
    problems.push(`DATABASE_URL takes ${takes("DATABASE_URL")}`);
    return undefined;
  }
  if (password !== undefined) {
    if (postgres.password) {
      problems.push("DATABASE_PASSWORD is set, and DATABASE_URL has a password; set one of them");
    }
    postgres.password = encodeURIComponent(password);
  }
  return { kind: "postgres", url: postgres.href };
}

function parsePostgresUrl(url: string): URL | undefined {
  if (!/^postgres(ql)?:\/\/[^/]/.test(url)) return undefined;
  const parsed = URL.parse(url);
  if (!parsed?.hostname || !canDecode(url)) return undefined;
  for (const name of LIBPQ_PARAMETERS) parsed.searchParams.delete(name);
  return parsed;
}

function canDecode(url: string): boolean {
  try {
    return decodeURIComponent(url) !== "";
  } catch {
    return false;
  }
}
