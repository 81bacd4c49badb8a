import { z } from "zod";
import { shortName } from "../errors.ts";
import type { Rate } from "../http/fixed-windows.ts";
import { parseNetworks } from "../http/ip-network.ts";
import { SERVICE } from "../identity.ts";
import { LOG_FORMATS, LOG_LEVELS } from "../telemetry/logger.ts";
import { tracingVariables } from "./tracing.ts";
import {
  choice,
  flag,
  integer,
  oneOf,
  orOff,
  port,
  type ValuesOf,
  type Variable,
} from "./variable.ts";

const API_KEY_MIN_LENGTH = 16;
const MIB = 1024 * 1024;

export const WINDOWS_MS = { second: 1000, minute: 60_000, hour: 3_600_000 };
const WINDOWS = Object.keys(WINDOWS_MS);
const RATE = new RegExp(`^(off|[1-9]\\d{0,8}/(${WINDOWS.join("|")}))$`);

const rate = {
  schema: () =>
    z
      .string()
      .regex(RATE)
      .transform((text): Rate | "off" => {
        if (text === "off") return text;
        const [requests, window] = text.split("/") as [string, keyof typeof WINDOWS_MS];
        return { requests: Number(requests), windowMs: WINDOWS_MS[window] };
      }),
  takes: `\`off\`, or a number of requests per ${oneOf(WINDOWS)} such as \`600/minute\``,
};

const proxyCount = integer({ min: 0, max: 10 });

const entriesOf = (list: string) => list.split(",").map((entry) => entry.trim());

/** Why a list is none of networks; nothing for one that is. */
function networksProblem(list: string): string | undefined {
  try {
    parseNetworks(entriesOf(list));
    return undefined;
  } catch (error) {
    return (error as RangeError).message;
  }
}

const proxies = {
  schema: () =>
    z.union([
      proxyCount.schema(),
      z
        .string()
        .refine((list) => networksProblem(list) === undefined)
        .transform((list): readonly string[] => entriesOf(list)),
    ]),
  takes: `${proxyCount.takes}, or networks such as \`10.0.0.0/8,fd00::/8\``,
  explain: (text: string) => (/[.:/]/.test(text) ? networksProblem(text) : undefined),
};

const isOrigin = (value: string) =>
  value === "*" || (!value.includes("*") && URL.parse(value)?.origin === value);

const origins = () =>
  z
    .string()
    .transform(entriesOf)
    .pipe(z.array(z.string().refine(isOrigin)));

/** Every variable. */
export const variables = {
  ENVIRONMENT: {
    ...choice(["production", "staging", "test", "development"]),
    default: "production",
    description: "Where this runs. Only `development` starts without `API_KEY` or `API_KEYS`.",
  },
  API_KEY: {
    schema: () =>
      z
        .string()
        .min(API_KEY_MIN_LENGTH)
        .regex(/^[\x21-\x7e]+$/),
    takes: `at least ${API_KEY_MIN_LENGTH} printable ASCII characters without spaces`,
    description: "A key with every right, in addition to those in `API_KEYS`.",
    secret: true,
  },
  API_KEYS: {
    schema: () => z.string(),
    takes: "keys with scopes, one per line (docs/keys.md)",
    description: "The keys for protected routes.",
    secret: true,
    lines: true,
  },
  HOST: {
    schema: () => z.string().regex(/^[\w.:-]+$/),
    default: "::",
    takes: "an IP address or a host name",
    description:
      "The address to listen on: `::` is every one of IPv6 and IPv4, `0.0.0.0` every one of IPv4.",
  },
  PORT: {
    ...port(),
    default: 5000,
    description: "The port to listen on.",
  },
  TLS_CERT_FILE: {
    schema: () => z.string(),
    takes: "the path of a PEM file, together with `TLS_KEY_FILE`",
    description:
      "The certificate for HTTPS, followed by its chain to a root; read again when it changes.",
  },
  TLS_KEY_FILE: {
    schema: () => z.string(),
    takes: "the path of a PEM file without a passphrase, together with `TLS_CERT_FILE`",
    description: "The certificate's private key.",
  },
  DEBUG: {
    ...flag,
    default: false,
    description:
      "Logs everything from level DEBUG up, and also stack traces of expected faults. Responses stay the same.",
  },
  LOG_LEVEL: {
    schema: () => z.string().toUpperCase().pipe(z.enum(LOG_LEVELS)),
    default: "INFO",
    takes: oneOf(LOG_LEVELS),
    description: "The lowest level that is logged.",
  },
  LOG_FORMAT: {
    ...choice(LOG_FORMATS),
    default: "json",
    description:
      "One JSON object per line, lines for people, or short lines in colours for a terminal.",
  },
  DATABASE_URL: {
    schema: () => z.string(),
    takes: "`sqlite:PATH`, `memory:` or `postgres://USER@HOST:PORT/NAME`",
    defaultText: "SQLite in `DATA_DIR`",
    description: "Where entries live.",
    secret: true,
  },
  DATABASE_PASSWORD: {
    schema: () => z.string(),
    takes: "a password, together with a `postgres://` `DATABASE_URL` that has none",
    description: "The password for `DATABASE_URL`.",
    secret: true,
  },
  DATABASE_CA_FILE: {
    schema: () => z.string(),
    takes: "the path of a PEM file, together with a `postgres://` `DATABASE_URL`",
    description:
      "The CAs to trust: PostgreSQL's certificate is then verified; read again when it changes.",
  },
  DATABASE_POOL_SIZE: {
    ...integer({ min: 1, max: 1000 }),
    default: 10,
    description: "The most connections to PostgreSQL; `/ready` uses one more when all are busy.",
  },
  READY_WITHOUT_DATABASE: {
    ...flag,
    default: false,
    description:
      "Whether `/ready` stays a 200 while the database is away, once it has answered; for several instances.",
  },
  DATA_DIR: {
    schema: () => z.string(),
    default: "./data",
    takes: "the path of a directory",
    description: `The directory of the SQLite file \`${SERVICE.name}.db\`; created if missing.`,
  },
  MAX_BODY_BYTES: {
    ...integer({ min: 1, max: 1024 * MIB, unit: "bytes" }),
    default: MIB,
    description: "The largest request body; a larger one is a 413.",
  },
  REQUEST_TIMEOUT_SECONDS: {
    ...integer({ min: 1, max: 240, unit: "seconds" }),
    default: 30,
    description: "How long a request may take before it gets a 503.",
  },
  IDLE_TIMEOUT_SECONDS: {
    ...orOff(integer({ min: 1, max: 3600, unit: "seconds" })),
    // Longer than the 60 s for which most load balancers keep a connection to use it again.
    default: 75,
    description: "How long a connection may be silent between requests before it is closed.",
  },
  MAX_URL_BYTES: {
    ...integer({ min: 64, max: 64 * 1024, unit: "bytes" }),
    default: 8192,
    description: "The longest path and query; a longer one is a 414.",
  },
  MAX_HEADER_BYTES: {
    ...integer({ min: 256, max: 64 * 1024, unit: "bytes" }),
    default: 8192,
    description: "The most bytes in the names and values of a request's headers; more are a 431.",
  },
  MAX_CONCURRENT_REQUESTS: {
    ...integer({ min: 1, max: 100_000 }),
    default: 1000,
    description:
      "The most requests in flight at once, without health routes and /metrics; more are a 503.",
  },
  MEMORY_BUDGET: {
    ...integer({ min: MIB, max: 1024 ** 4, unit: "bytes" }),
    defaultText: "half of what the container or the machine has left at the start",
    description:
      "The memory that requests and answers in flight may hold; what would need more is a 503.",
  },
  RATE_LIMIT: {
    ...rate,
    defaultText: "`600/minute` in production and staging, else `off`",
    description:
      "The most requests of a key, or of a client's address if there is no key; more are a 429.",
  },
  RATE_LIMIT_STORE: {
    ...choice(["memory", "database"]),
    default: "memory",
    description:
      "Where `RATE_LIMIT` and `AUTH_FAILURE_LIMIT` count: `database` counts for all instances on one PostgreSQL.",
  },
  AUTH_FAILURE_LIMIT: {
    ...rate,
    defaultText: "`10/minute` in production and staging, else `off`",
    description:
      "The most wrong keys from a client's address; more are a 429. A right key is always accepted.",
  },
  TRUST_PROXY: {
    ...proxies,
    default: 0,
    description:
      "How many proxies in front are trusted to name the client in `X-Forwarded-For`, or the networks they are in.",
  },
  METRICS_PORT: {
    ...port(),
    defaultText: "that of the API",
    description:
      "A separate port for `/metrics` and the health routes, which then leave the API's port.",
  },
  LOG_ACCESS: {
    ...flag,
    default: true,
    description: "Whether every request is logged.",
  },
  DRAIN_DELAY_SECONDS: {
    ...integer({ min: 0, max: 300, unit: "seconds" }),
    defaultText: "`5` in production and staging, else `0`",
    description: "How long after a SIGTERM everything except `/ready` continues as before.",
  },
  DRAIN_TIMEOUT_SECONDS: {
    ...integer({ min: 1, max: 300, unit: "seconds" }),
    default: 20,
    description: "How long the requests in flight then have to end.",
  },
  SEED: {
    ...flag,
    defaultText: "`true` in development, else `false`",
    description: "Adds sample entries at the first start of an empty database.",
  },
  PUBLIC_READS: {
    ...flag,
    default: true,
    description: "Whether clients can read the entries of every resource without a key.",
  },
  PUBLIC_DOCS: {
    ...flag,
    default: true,
    description:
      "Whether anybody can read the API page and the OpenAPI document; else they are a 404.",
  },
  PUBLIC_DETAILS: {
    ...flag,
    default: true,
    description: "Whether answers without a key name the version and the environment.",
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

/** Every variable that takes a port. */
export const portNames = (Object.keys(variables) as VariableName[]).filter(
  (name) => (variables[name] as Variable).port,
);

export type Values<Name extends VariableName = VariableName> = ValuesOf<
  Pick<typeof variables, Name>
>;

/** A variable's default, in Markdown. */
export function defaultOf(variable: Variable): string {
  if (variable.defaultText !== undefined) return variable.defaultText;
  return variable.default === undefined ? "none" : `\`${variable.default}\``;
}

/** The values that a variable accepts, for a problem with it. */
export function takes(name: VariableName): string {
  return variables[name].takes.replaceAll("`", "");
}

/** Whether problems with a variable name its lines. */
export function hasLines(name: VariableName): boolean {
  return (variables[name] as Variable).lines ?? false;
}

/** Validates these variables. Adds a problem for each wrong one, and leaves it out. */
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
  if (!parsed.success) {
    const why = isSecret(name, text) ? undefined : variable.explain?.(text);
    problems.push(`${received(name, text)} must be ${takes(name)}${why ? `: ${why}` : ""}`);
  }
  return parsed.data;
}

/** Whether a value is a secret, or may hold one. */
function isSecret(name: VariableName, text: string): boolean {
  const { holdsUrl = false }: Variable = variables[name];
  return secretNames.includes(name) || holdsUrl || text.includes("@");
}

/** What a problem begins with: the value as it was received, where it holds no secret. */
function received(name: VariableName, text: string): string {
  return isSecret(name, text) ? name : `${name} is ${JSON.stringify(shortName(text))}; it`;
}
