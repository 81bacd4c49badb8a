import { z } from "zod";
import { LOG_FORMATS, LOG_LEVELS } from "./logger.ts";
import { tracingConfig, tracingVariables } from "./trace/tracing-config.ts";

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

/** At most so many requests in so many milliseconds. */
export type Rate = { requests: number; windowMs: number };

const WINDOWS_MS = { second: 1000, minute: 60_000, hour: 3_600_000 };
const RATE_TAKES =
  "`off`, or a number of requests per `second`, `minute` or `hour` such as `600/minute`";

/** `undefined` where there is no limit. */
const rate = z
  .string()
  .regex(/^(off|[1-9]\d{0,8}\/(second|minute|hour))$/)
  .transform((text): Rate | undefined => {
    if (text === "off") return undefined;
    const [requests, window] = text.split("/") as [string, keyof typeof WINDOWS_MS];
    return { requests: Number(requests), windowMs: WINDOWS_MS[window] };
  });

const RATE_LIMIT: Rate = { requests: 600, windowMs: WINDOWS_MS.minute };
const AUTH_FAILURE_LIMIT: Rate = { requests: 10, windowMs: WINDOWS_MS.minute };

/** Environments that strangers can reach, where limits are on unless they are turned off. */
const EXPOSED = new Set(["production", "staging"]);

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
  IDLE_TIMEOUT_SECONDS: integer(1, 240).default(60).meta({
    takes: "a whole number of seconds from 1 to 240",
    description: "How long a connection may say nothing before it is closed.",
  }),
  MAX_URL_BYTES: integer(64, 64 * 1024)
    .default(8192)
    .meta({
      takes: `a whole number of bytes from 64 to ${64 * 1024}`,
      description: "The longest path and query; a longer one is a 414.",
    }),
  MAX_HEADER_BYTES: integer(256, 64 * 1024)
    .default(8192)
    .meta({
      takes: `a whole number of bytes from 256 to ${64 * 1024}`,
      description: "The most bytes in the names and values of a request's headers; more are a 431.",
    }),
  MAX_CONCURRENT_REQUESTS: integer(1, 100_000).default(1000).meta({
    takes: "a whole number from 1 to 100000",
    description: "The most requests under way at once, health routes apart; more are a 503.",
  }),
  RATE_LIMIT: rate.optional().meta({
    takes: RATE_TAKES,
    defaultText: "`600/minute` in production and staging, else `off`",
    description:
      "The most requests of a key, or without one of a client's address; more are a 429.",
  }),
  AUTH_FAILURE_LIMIT: rate.optional().meta({
    takes: RATE_TAKES,
    defaultText: "`10/minute` in production and staging, else `off`",
    description: "The most wrong keys of a client's address; behind them, any key is a 429.",
  }),
  TRUST_PROXY: integer(0, 10).default(0).meta({
    takes: "a whole number from 0 to 10",
    description:
      "How many proxies in front are believed when they say in `X-Forwarded-For` who the client is.",
  }),
  METRICS_PORT: integer(0, 65_535).optional().meta({
    takes: "a port number from 0 to 65535; 0 lets the system choose",
    defaultText: "that of the API",
    description: "The port of `/metrics` and the health routes, which the API's then leaves out.",
  }),
  LOG_ACCESS: flag.default(true).meta({
    takes: "`true` or `false`",
    description: "Whether every request is a line of the log.",
  }),
  DRAIN_DELAY_SECONDS: integer(0, 300).optional().meta({
    takes: "a whole number of seconds from 0 to 300",
    defaultText: "`5` in production and staging, else `0`",
    description: "How long after a SIGTERM everything but `/ready` goes on as before.",
  }),
  DRAIN_TIMEOUT_SECONDS: integer(1, 300).default(20).meta({
    takes: "a whole number of seconds from 1 to 300",
    description: "How long the requests under way have to end then.",
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
  ...tracingVariables,
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
  const isExposed = EXPOSED.has(data.ENVIRONMENT);
  const ifExposed = (limit: Rate) => (isExposed ? limit : undefined);
  return {
    environment: data.ENVIRONMENT,
    apiKey: data.API_KEY,
    host: data.HOST,
    port: data.PORT,
    debug: data.DEBUG,
    logLevel: data.DEBUG ? ("DEBUG" as const) : data.LOG_LEVEL,
    logFormat: data.LOG_FORMAT,
    database,
    databasePoolSize: data.DATABASE_POOL_SIZE,
    maxBodyBytes: data.MAX_BODY_BYTES,
    requestTimeoutSeconds: data.REQUEST_TIMEOUT_SECONDS,
    idleTimeoutSeconds: data.IDLE_TIMEOUT_SECONDS,
    maxUrlBytes: data.MAX_URL_BYTES,
    maxHeaderBytes: data.MAX_HEADER_BYTES,
    maxConcurrentRequests: data.MAX_CONCURRENT_REQUESTS,
    rateLimit: "RATE_LIMIT" in data ? data.RATE_LIMIT : ifExposed(RATE_LIMIT),
    authFailureLimit:
      "AUTH_FAILURE_LIMIT" in data ? data.AUTH_FAILURE_LIMIT : ifExposed(AUTH_FAILURE_LIMIT),
    trustProxy: data.TRUST_PROXY,
    metricsPort: data.METRICS_PORT,
    logAccess: data.LOG_ACCESS,
    drainDelaySeconds: data.DRAIN_DELAY_SECONDS ?? (isExposed ? 5 : 0),
    drainTimeoutSeconds: data.DRAIN_TIMEOUT_SECONDS,
    seedBooks: data.SEED_BOOKS,
    publicReads: data.PUBLIC_READS,
    corsOrigins: data.CORS_ORIGINS,
    tracing: tracingConfig(data),
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
