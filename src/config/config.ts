import type { Key } from "../auth/key.ts";
import { parseKeyFile } from "../auth/key-file.ts";
import { DEFAULT_KEY } from "../auth/key-ring.ts";
import { type PostgresTarget, parsePostgresUrl, withPassword } from "../database/postgres/url.ts";
import type { Rate } from "../http/fixed-windows.ts";
import { SERVICE } from "../identity.ts";
import { SCOPES } from "../service.ts";
import { tracingConfig } from "./tracing.ts";
import {
  hasLines,
  parseVariables,
  portNames,
  secretNames,
  takes,
  type Values,
  type VariableName,
  variables,
  WINDOWS_MS,
} from "./variables.ts";

/** Environment variables by name. */
export type Environment = Record<string, string | undefined>;

/** Why a file cannot be read: the code of the error, or what follows the variable's name in a problem. */
export type ReadFailure = { code?: string; problem?: string };

/** Reads a whole text file. @throws {Error} that is also a {@link ReadFailure}. */
export type ReadFile = (path: string) => string;

/** Where books live, from `DATABASE_URL`. */
export type DatabaseConfig =
  | { kind: "memory" }
  | { kind: "sqlite"; path: string }
  /** `ca` are the certificates of the CAs to trust, in PEM. */
  | { kind: "postgres"; url: string; ca?: string };

/** The address of the service. */
export type ListenAddress = { host: string; port: number; isHttps: boolean };

const ALL = Object.keys(variables) as VariableName[];

const RATE_LIMIT: Rate = { requests: 600, windowMs: WINDOWS_MS.minute };
const AUTH_FAILURE_LIMIT: Rate = { requests: 10, windowMs: WINDOWS_MS.minute };

const KEY_VARIABLES = ["API_KEY", "API_KEY_FILE", "API_KEYS", "API_KEYS_FILE"];

/** Environments that strangers can reach, where limits are on by default. */
const EXPOSED = new Set(["production", "staging"]);

/** All problems of a wrong configuration. Each names its variable, never a value. */
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
 * An empty variable counts as unset, because Compose passes unset variables as empty ones.
 *
 * @param readFile missing where there are no files; then `NAME_FILE` is a problem.
 * @throws {ConfigError} with every problem at once.
 */
export function parseConfig(environment: Environment, readFile?: ReadFile) {
  const problems: string[] = [];
  const { given, serviceLinks } = withoutServiceLinks(withoutEmpty(environment));
  const values = withSecrets(given, readFile, problems);
  const data = parseVariables(ALL, values, problems);
  const apiKeys = parseKeys(given, values, problems);
  if (values.ENVIRONMENT !== "development" && !KEY_VARIABLES.some((name) => given[name])) {
    const file = readFile ? "API_KEY_FILE may name a file, or " : "";
    problems.push(
      "API_KEY is not set. Make one: openssl rand -hex 32. To try it out: ENVIRONMENT=development. " +
        `In place of API_KEY, ${file}API_KEYS may hold keys with scopes`,
    );
  }
  if (data.METRICS_PORT !== undefined && data.METRICS_PORT === data.PORT && data.PORT !== 0) {
    problems.push("METRICS_PORT and PORT are the same; leave METRICS_PORT unset to share the port");
  }
  const database = parseDatabase(data, readFile, problems);
  const tls = parseTls(values, readFile, problems);
  if (database && data.RATE_LIMIT_STORE === "database") requireSharable(values, database, problems);
  if (!database || problems.length > 0) throw new ConfigError(problems);
  const isExposed = EXPOSED.has(data.ENVIRONMENT);
  const limit = (set: Rate | "off" | undefined, usual: Rate) =>
    set === "off" || (set === undefined && !isExposed) ? undefined : (set ?? usual);
  return {
    environment: data.ENVIRONMENT,
    apiKey: data.API_KEY,
    apiKeys,
    host: data.HOST,
    port: data.PORT,
    tls,
    debug: data.DEBUG,
    ...databaseCommandConfig(data, database),
    readyWithoutDatabase: data.READY_WITHOUT_DATABASE,
    maxBodyBytes: data.MAX_BODY_BYTES,
    requestTimeoutSeconds: data.REQUEST_TIMEOUT_SECONDS,
    idleTimeoutSeconds: data.IDLE_TIMEOUT_SECONDS,
    maxUrlBytes: data.MAX_URL_BYTES,
    maxHeaderBytes: data.MAX_HEADER_BYTES,
    maxConcurrentRequests: data.MAX_CONCURRENT_REQUESTS,
    memoryBudget: data.MEMORY_BUDGET,
    rateLimit: limit(data.RATE_LIMIT, RATE_LIMIT),
    rateLimitStore: data.RATE_LIMIT_STORE,
    authFailureLimit: limit(data.AUTH_FAILURE_LIMIT, AUTH_FAILURE_LIMIT),
    trustProxy: data.TRUST_PROXY,
    metricsPort: data.METRICS_PORT,
    logAccess: data.LOG_ACCESS,
    drainDelaySeconds: data.DRAIN_DELAY_SECONDS ?? (isExposed ? 5 : 0),
    drainTimeoutSeconds: data.DRAIN_TIMEOUT_SECONDS,
    publicReads: data.PUBLIC_READS,
    publicDocs: data.PUBLIC_DOCS,
    publicDetails: data.PUBLIC_DETAILS,
    corsOrigins: data.CORS_ORIGINS,
    seed: data.SEED ?? data.ENVIRONMENT === "development",
    tracing: tracingConfig(data),
    /** The variables that were ignored, because Kubernetes has set them. */
    serviceLinks,
  };
}

/** Adds a problem where limits cannot be counted in the database. */
function requireSharable(values: Environment, { kind }: DatabaseConfig, problems: string[]): void {
  if (kind !== "postgres") {
    problems.push(
      `RATE_LIMIT_STORE is "database", and that is ${kind}, which no other instance has; ` +
        "set DATABASE_URL to a postgres:// URL, or leave RATE_LIMIT_STORE unset",
    );
  }
  for (const name of ["RATE_LIMIT", "AUTH_FAILURE_LIMIT"]) {
    const value = values[name];
    if (!value?.endsWith("/second")) continue;
    problems.push(
      `${name} is "${value}"; with RATE_LIMIT_STORE=database it must be per minute or hour, ` +
        "because instances take up to a second to learn each other's counts",
    );
  }
}

const DATABASE_VARIABLES = [
  "DATABASE_URL",
  "DATABASE_PASSWORD",
  "DATABASE_CA_FILE",
  "DATABASE_POOL_SIZE",
  "DATA_DIR",
  "DEBUG",
  "LOG_LEVEL",
  "LOG_FORMAT",
] as const;

type DatabaseVariables = Values<(typeof DATABASE_VARIABLES)[number]>;

/** The configuration of a command that only uses the database. */
export type DatabaseCommandConfig = ReturnType<typeof databaseCommandConfig>;

/**
 * Parses the configuration of a command that only uses the database. It ignores the rest of the
 * environment, above all the API key.
 *
 * @throws {ConfigError} with every problem at once.
 */
export function parseDatabaseConfig(
  environment: Environment,
  readFile: ReadFile,
): DatabaseCommandConfig {
  const problems: string[] = [];
  const names = DATABASE_VARIABLES.flatMap((name) => [name, `${name}_FILE`]);
  const own = Object.fromEntries(names.map((name) => [name, environment[name]]));
  const values = withSecrets(withoutEmpty(own), readFile, problems);
  const data = parseVariables(DATABASE_VARIABLES, values, problems);
  const database = parseDatabase(data, readFile, problems);
  if (!database || problems.length > 0) throw new ConfigError(problems);
  return databaseCommandConfig(data, database);
}

function databaseCommandConfig(data: DatabaseVariables, database: DatabaseConfig) {
  return {
    logLevel: data.DEBUG ? ("DEBUG" as const) : data.LOG_LEVEL,
    logFormat: data.LOG_FORMAT,
    database,
    databasePoolSize: data.DATABASE_POOL_SIZE,
    dataDirectory: data.DATA_DIR,
  };
}

/**
 * The address of the health routes for a client on this machine, and whether it speaks HTTPS there. The
 * port of metrics and health is for an inner network, and speaks plain HTTP.
 *
 * @throws {ConfigError} if HOST, PORT or METRICS_PORT is wrong; the rest of the environment is ignored.
 */
export function parseProbeAddress(environment: Environment): ListenAddress {
  const problems: string[] = [];
  const names = ["HOST", "PORT", "METRICS_PORT", "TLS_CERT_FILE"] as const;
  const { given } = withoutServiceLinks(withoutEmpty(environment));
  const values = parseVariables(names, given, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  const { HOST: host, PORT, METRICS_PORT, TLS_CERT_FILE } = values;
  const isHttps = METRICS_PORT === undefined && TLS_CERT_FILE !== undefined;
  return { host, port: METRICS_PORT ?? PORT, isHttps };
}

/** Whether a key is configured; if not, `development` generates one. */
export function hasKey({ apiKey, apiKeys }: Pick<Config, "apiKey" | "apiKeys">): boolean {
  return apiKey !== undefined || apiKeys.length > 0;
}

/** The variables that are not empty. */
export function withoutEmpty(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim()));
}

/** What Kubernetes puts into `NAME_PORT` of every container, for a Service with the name NAME. */
const SERVICE_LINK = /^(?:tcp|udp|sctp):\/\/.+:\d+$/;

/** The environment without ports that are none, which nobody has set on purpose. */
function withoutServiceLinks(environment: Environment) {
  const serviceLinks = portNames.filter((name) => SERVICE_LINK.test(environment[name] ?? ""));
  const given = { ...environment };
  for (const name of serviceLinks) delete given[name];
  return { given, serviceLinks };
}

/** The environment, with the content of every secret's file as its variable. */
function withSecrets(
  environment: Environment,
  readFile: ReadFile | undefined,
  problems: string[],
): Environment {
  const values = { ...environment };
  for (const name of secretNames) {
    const fileName = `${name}_FILE`;
    const path = environment[fileName];
    if (path === undefined) continue;
    if (!readFile) {
      problems.push(`${fileName} is set, but there are no files here; set ${name}`);
    } else if (environment[name] !== undefined) {
      problems.push(`${name} and ${fileName} are both set; set one of them`);
    } else {
      const secret = readNamedFile({ name: fileName, path }, readFile, problems);
      if (secret?.trim()) values[name] = hasLines(name) ? secret : secret.trim();
      else if (secret !== undefined) problems.push(`${fileName} names an empty file`);
    }
  }
  return values;
}

/** Reads the file that a variable names, or adds a problem. */
export function readNamedFile(
  { name, path }: { name: string; path: string },
  readFile: ReadFile,
  problems: string[],
): string | undefined {
  try {
    return readFile(path);
  } catch (error) {
    // Not the message, which contains the path: that is the secret if somebody set NAME_FILE instead of
    // NAME.
    const { code = "unknown error", problem } = error as ReadFailure;
    problems.push(`${name} ${problem ?? `names a file that cannot be read: ${code}`}`);
    return undefined;
  }
}

function parseKeys(given: Environment, values: Environment, problems: string[]): Key[] {
  if (values.API_KEYS === undefined) return [];
  const name = given.API_KEYS_FILE ? "API_KEYS_FILE" : "API_KEYS";
  const { keys, problems: found } = parseKeyFile(values.API_KEYS, SCOPES);
  problems.push(...found.map((problem) => `${name} ${problem}`));
  if (values.API_KEY !== undefined && keys.some((key) => key.name === DEFAULT_KEY)) {
    problems.push(
      `${name} has a key named ${DEFAULT_KEY}, the name of API_KEY; choose another name`,
    );
  }
  return keys;
}

/** The files of the certificate and its key; `undefined` if the port speaks plain HTTP. */
function parseTls(
  { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile }: Environment,
  readFile: ReadFile | undefined,
  problems: string[],
): { certFile: string; keyFile: string } | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined)
    problems.push("TLS_KEY_FILE is set, and TLS_CERT_FILE is not; set both");
  else if (keyFile === undefined) {
    problems.push("TLS_CERT_FILE is set, and TLS_KEY_FILE is not; set both");
  } else if (!readFile) problems.push("TLS_CERT_FILE is set, but there are no files here");
  else return { certFile, keyFile };
  return undefined;
}

function parseDatabase(
  data: DatabaseVariables,
  readFile: ReadFile | undefined,
  problems: string[],
): DatabaseConfig | undefined {
  const { DATABASE_URL: url, DATABASE_PASSWORD: password, DATABASE_CA_FILE: caFile } = data;
  if (url !== undefined && /^postgres(?:ql)?:/.test(url)) {
    return parsePostgres({ url, password, caFile }, readFile, problems);
  }
  if (password !== undefined) {
    problems.push(`DATABASE_PASSWORD must be ${takes("DATABASE_PASSWORD")}`);
  }
  if (caFile !== undefined) problems.push(`DATABASE_CA_FILE must be ${takes("DATABASE_CA_FILE")}`);
  if (url === undefined) return { kind: "sqlite", path: `${data.DATA_DIR}/${SERVICE.name}.db` };
  if (url === "memory:") return { kind: "memory" };
  const path = /^sqlite:(?:\/\/|(?!\/\/))(.+)$/.exec(url)?.[1];
  if (path === undefined) {
    problems.push(`DATABASE_URL must be ${takes("DATABASE_URL")}`);
    return undefined;
  }
  const problem = sqliteProblem(path);
  if (problem === undefined) return { kind: "sqlite", path };
  problems.push(`DATABASE_URL ${problem}`);
  return undefined;
}

/** What other programs write after `sqlite:`, and would be a file of that name here. */
function sqliteProblem(path: string): string | undefined {
  if (/^\/*:memory:/.test(path)) {
    return "names a SQLite database in memory; write memory: for entries that are not to be kept";
  }
  if (/[?#]/.test(path)) {
    return "has a ? or # after sqlite:, which takes a path and no parameters; write sqlite:PATH";
  }
  if (path.startsWith("file:")) return "has file: after sqlite:, which takes a path; leave it out";
  return path.startsWith(":") ? `must be ${takes("DATABASE_URL")}` : undefined;
}

type GivenPostgres = {
  url: string;
  password: string | undefined;
  caFile: string | undefined;
};

function parsePostgres(
  { url, password, caFile }: GivenPostgres,
  readFile: ReadFile | undefined,
  problems: string[],
): DatabaseConfig | undefined {
  const parsed = parsePostgresUrl(url);
  if ("problems" in parsed) {
    problems.push(...parsed.problems.map((problem) => `DATABASE_URL ${problem}`));
    return undefined;
  }
  const { target } = parsed;
  if (password !== undefined && target.password !== undefined) {
    problems.push("DATABASE_PASSWORD is set, but DATABASE_URL has a password too; set one of them");
  }
  const ca = readCertificates(target, caFile, { readFile, problems });
  return {
    kind: "postgres",
    url: password === undefined ? url : withPassword(url, password),
    ...(ca !== undefined && { ca }),
  };
}

type Reading = { readFile: ReadFile | undefined; problems: string[] };

/** The certificates of the CAs to trust, from the file that the variable or the URL names. */
function readCertificates(
  { rootCertificate, sslMode, hasSslMode }: PostgresTarget,
  caFile: string | undefined,
  { readFile, problems }: Reading,
): string | undefined {
  const inUrl = rootCertificate === "system" ? undefined : rootCertificate;
  const path = caFile ?? inUrl;
  if (path === undefined) return undefined;
  const name = caFile === undefined ? "sslrootcert of DATABASE_URL" : "DATABASE_CA_FILE";
  if (caFile !== undefined && rootCertificate !== undefined) {
    problems.push("DATABASE_CA_FILE is set, but DATABASE_URL has sslrootcert too; set one of them");
  } else if (hasSslMode && (sslMode === undefined || sslMode === "prefer")) {
    problems.push(
      `${name} is set, but DATABASE_URL has an sslmode that verifies nothing; ` +
        "write sslmode=verify-full",
    );
  } else if (!readFile) problems.push(`${name} is set, but there are no files here`);
  else {
    const text = readNamedFile({ name, path }, readFile, problems);
    if (text === undefined || text.includes("-----BEGIN CERTIFICATE-----")) return text;
    problems.push(`${name} names a file without a certificate in PEM`);
  }
  return undefined;
}
