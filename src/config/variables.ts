import { z } from "zod";
import type { Rate } from "../http/fixed-windows.ts";
import { LOG_FORMATS, LOG_LEVELS } from "../telemetry/logger.ts";
import { tracingVariables } from "./tracing.ts";
import { flag, integer, type ValuesOf, type Variable } from "./variable.ts";

const API_KEY_MIN_LENGTH = 16;
const MIB = 1024 * 1024;

const upperCased = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.string().toUpperCase().pipe(z.enum(values));

export const WINDOWS_MS = { second: 1000, minute: 60_000, hour: 3_600_000 };
const RATE_TAKES =
  "`off`, or a number of requests per `second`, `minute` or `hour` such as `600/minute`";

const rate = () =>
  z
    .string()
    .regex(/^(off|[1-9]\d{0,8}\/(second|minute|hour))$/)
    .transform((text): Rate | "off" => {
      if (text === "off") return text;
      const [requests, window] = text.split("/") as [string, keyof typeof WINDOWS_MS];
      return { requests: Number(requests), windowMs: WINDOWS_MS[window] };
    });

const isOrigin = (value: string) =>
  value === "*" || (!value.includes("*") && URL.parse(value)?.origin === value);

const origins = () =>
  z
    .string()
    .transform((list) => list.split(",").map((entry) => entry.trim()))
    .pipe(z.array(z.string().refine(isOrigin)));

/** Every variable there is. */
export const variables = {
  ENVIRONMENT: {
    schema: () => z.enum(["production", "staging", "test", "development"]),
    default: "production",
    takes: "`production`, `staging`, `test` or `development`",
    description: "Where this runs. Only `development` starts without `API_KEY` or `API_KEYS`.",
  },
  API_KEY: {
    schema: () =>
      z
        .string()
        .min(API_KEY_MIN_LENGTH)
        .regex(/^[\x21-\x7e]+$/),
    takes: `at least ${API_KEY_MIN_LENGTH} printable ASCII characters without spaces`,
    description: "The one key, or beside `API_KEYS` a further one, that is allowed everything.",
    secret: true,
  },
  API_KEYS: {
    schema: () => z.string(),
    takes: "keys with scopes, one a line (docs/keys.md)",
    description: "The keys that protected routes ask for.",
    secret: true,
    lines: true,
  },
  HOST: {
    schema: () => z.string().regex(/^[\w.:-]+$/),
    default: "0.0.0.0",
    takes: "an IP address or a host name",
    description: "The address to listen on.",
  },
  PORT: {
    schema: () => integer(0, 65_535),
    default: 5000,
    takes: "a port number from 0 to 65535; 0 lets the system choose",
    description: "The port to listen on.",
  },
  TLS_CERT_FILE: {
    schema: () => z.string(),
    takes: "the path of a PEM file, together with `TLS_KEY_FILE`",
    description:
      "The certificate to serve HTTPS with, and those that chain it to a root; read again when it changes.",
  },
  TLS_KEY_FILE: {
    schema: () => z.string(),
    takes: "the path of a PEM file without a passphrase, together with `TLS_CERT_FILE`",
    description: "The certificate's private key.",
  },
  DEBUG: {
    schema: flag,
    default: false,
    takes: "`true` or `false`",
    description:
      "Logs everything from level DEBUG up, and stack traces of expected faults too. Responses stay the same.",
  },
  LOG_LEVEL: {
    schema: () => upperCased(LOG_LEVELS),
    default: "INFO",
    takes: "`DEBUG`, `INFO`, `WARNING` or `ERROR`",
    description: "The least severe level that is logged.",
  },
  LOG_FORMAT: {
    schema: () => z.enum(LOG_FORMATS),
    default: "json",
    takes: "`json` or `text`",
    description: "One JSON object a line, or a line for people.",
  },
  DATABASE_URL: {
    schema: () => z.string(),
    takes: "`sqlite:PATH`, `memory:` or `postgres://USER@HOST:PORT/NAME`",
    defaultText: "SQLite in `DATA_DIR`",
    description: "Where books live.",
    secret: true,
  },
  DATABASE_PASSWORD: {
    schema: () => z.string(),
    takes: "a password, together with a `postgres://` `DATABASE_URL` that has none",
    description: "Joined into `DATABASE_URL`.",
    secret: true,
  },
  DATABASE_POOL_SIZE: {
    schema: () => integer(1, 1000),
    default: 10,
    takes: "a whole number from 1 to 1000",
    description: "The most connections to PostgreSQL.",
  },
  DATA_DIR: {
    schema: () => z.string(),
    default: "./data",
    takes: "the path of a directory",
    description: "Holds the SQLite file `thimble.db`; made if missing.",
  },
  MAX_BODY_BYTES: {
    schema: () => integer(1, 1024 * MIB),
    default: MIB,
    takes: `a whole number of bytes from 1 to ${1024 * MIB}`,
    description: "The largest request body; a larger one is a 413.",
  },
  REQUEST_TIMEOUT_SECONDS: {
    schema: () => integer(1, 240),
    default: 30,
    takes: "a whole number of seconds from 1 to 240",
    description: "How long a request may take before it is answered with a 503.",
  },
  IDLE_TIMEOUT_SECONDS: {
    schema: () => integer(1, 240),
    default: 60,
    takes: "a whole number of seconds from 1 to 240",
    description: "How long a connection may say nothing before it is closed.",
  },
  MAX_URL_BYTES: {
    schema: () => integer(64, 64 * 1024),
    default: 8192,
    takes: `a whole number of bytes from 64 to ${64 * 1024}`,
    description: "The longest path and query; a longer one is a 414.",
  },
  MAX_HEADER_BYTES: {
    schema: () => integer(256, 64 * 1024),
    default: 8192,
    takes: `a whole number of bytes from 256 to ${64 * 1024}`,
    description: "The most bytes in the names and values of a request's headers; more are a 431.",
  },
  MAX_CONCURRENT_REQUESTS: {
    schema: () => integer(1, 100_000),
    default: 1000,
    takes: "a whole number from 1 to 100000",
    description:
      "The most requests under way at once, health routes and /metrics apart; more are a 503.",
  },
  RATE_LIMIT: {
    schema: rate,
    takes: RATE_TAKES,
    defaultText: "`600/minute` in production and staging, else `off`",
    description:
      "The most requests of a key, or without one of a client's address; more are a 429.",
  },
  AUTH_FAILURE_LIMIT: {
    schema: rate,
    takes: RATE_TAKES,
    defaultText: "`10/minute` in production and staging, else `off`",
    description:
      "The most wrong keys of a client's address; after them, any key new there is a 429.",
  },
  TRUST_PROXY: {
    schema: () => integer(0, 10),
    default: 0,
    takes: "a whole number from 0 to 10",
    description:
      "How many proxies in front are believed when they say in `X-Forwarded-For` who the client is.",
  },
  METRICS_PORT: {
    schema: () => integer(0, 65_535),
    takes: "a port number from 0 to 65535; 0 lets the system choose",
    defaultText: "that of the API",
    description: "The port of `/metrics` and the health routes, which the API's then leaves out.",
  },
  LOG_ACCESS: {
    schema: flag,
    default: true,
    takes: "`true` or `false`",
    description: "Whether every request is a line of the log.",
  },
  DRAIN_DELAY_SECONDS: {
    schema: () => integer(0, 300),
    takes: "a whole number of seconds from 0 to 300",
    defaultText: "`5` in production and staging, else `0`",
    description: "How long after a SIGTERM everything but `/ready` goes on as before.",
  },
  DRAIN_TIMEOUT_SECONDS: {
    schema: () => integer(1, 300),
    default: 20,
    takes: "a whole number of seconds from 1 to 300",
    description: "How long the requests under way have to end then.",
  },
  SEED: {
    schema: flag,
    takes: "`true` or `false`",
    defaultText: "`true` in development, else `false`",
    description: "Adds sample entries at the first start of an empty database.",
  },
  PUBLIC_READS: {
    schema: flag,
    default: true,
    takes: "`true` or `false`",
    description: "Whether books can be read without a key.",
  },
  CORS_ORIGINS: {
    schema: origins,
    default: [],
    takes: "origins such as `https://app.example`, separated by commas, or `*`",
    defaultText: "none",
    description: "The browser origins that may call the API.",
  },
  ...tracingVariables,
} satisfies Record<string, Variable>;

export type VariableName = keyof typeof variables;

/** Every variable that may come from a file: each `NAME` also as `NAME_FILE`. */
export const secretNames = (Object.keys(variables) as VariableName[]).filter(
  (name) => (variables[name] as Variable).secret,
);

export type Values<Name extends VariableName = VariableName> = ValuesOf<
  Pick<typeof variables, Name>
>;

/** What a variable is where it is not set, in Markdown. */
export function defaultOf(variable: Variable): string {
  if (variable.defaultText !== undefined) return variable.defaultText;
  return variable.default === undefined ? "none" : `\`${variable.default}\``;
}

/** What a variable takes, for a problem with it. */
export function takes(name: VariableName): string {
  return variables[name].takes.replaceAll("`", "");
}

/** Whether problems with a variable name its lines. */
export function hasLines(name: VariableName): boolean {
  return (variables[name] as Variable).lines ?? false;
}

/** Validates these variables; adds a problem for each that is wrong, and leaves that one out. */
export function parseVariables<Name extends VariableName>(
  names: readonly Name[],
  environment: Record<string, string | undefined>,
  problems: string[],
): Values<Name> {
  const values = names.map((name) => [name, parseVariable(name, environment[name], problems)]);
  return Object.fromEntries(values) as Values<Name>;
}

function parseVariable(name: VariableName, text: string | undefined, problems: string[]): unknown {
  const variable: Variable = variables[name];
  if (text === undefined) return variable.default;
  const parsed = variable.schema().safeParse(text);
  if (!parsed.success) problems.push(`${name} takes ${takes(name)}`);
  return parsed.data;
}
