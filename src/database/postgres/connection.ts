import { SERVICE } from "../../identity.ts";
import { type PostgresTarget, postgresTarget, type ServerAddress } from "./url.ts";

/** How long the server may work on one statement. */
export const STATEMENT_TIMEOUT_MS = 5000;

/** How long a server may take to accept a connection, unless the URL says otherwise. */
export const CONNECT_TIMEOUT_SECONDS = 3;

/** The number of PostgreSQL's type `timestamptz`. */
const TIMESTAMPTZ = 1184;

/**
 * Settings on which this service relies, whatever those of the role, the database and the server are. What
 * is the owner's choice stays: `search_path`, `lock_timeout`, or whether the database may be written.
 */
const SETTINGS = {
  statement_timeout: STATEMENT_TIMEOUT_MS,
  // A statement that waited for another's change goes on from there, and does not fail.
  default_transaction_isolation: "read committed" as const,
  // In other zones, old times have an offset with seconds, and those at the ends another year.
  TimeZone: "UTC",
  // How times, numbers and bytes are written as text.
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  extra_float_digits: 1,
  bytea_output: "hex",
  // How texts in statements, and NULL in arrays, are read.
  standard_conforming_strings: "on",
  array_nulls: "on",
  // Above 0, searches leave out what they find.
  gin_fuzzy_search_limit: "0",
};

/** What every connection is made with, pooled or not. */
const CONNECTION_OPTIONS = {
  onnotice: () => {},
  /**
   * No resource has arrays; and where a connection is lost while the driver asks for their types, it rejects
   * a promise that nobody can wait for.
   */
  fetch_types: false,
  types: {
    date: {
      to: TIMESTAMPTZ,
      from: [TIMESTAMPTZ],
      serialize: (time: Date | string) => new Date(time).toISOString(),
      // As the server writes it, `Date` would take the year 1 for 2001: only RFC 3339 is read everywhere alike.
      parse: (text: string) => new Date(text.replace(" ", "T").replace(/\+00$/, "Z")),
    },
  },
};

type ConnectionOptions = {
  /** The certificates of the CAs to trust, in PEM. */
  ca?: string | undefined;
  /** Which of the URL's servers: the first by default. */
  server?: ServerAddress | undefined;
};

/**
 * The driver's options for a connection to the database that a URL names. They stand for the whole URL: the
 * driver would pass parameters that it does not know on to the server.
 *
 * @throws {Error} if the URL names no database.
 */
export function connectionOptions(url: string, { ca, server }: ConnectionOptions = {}) {
  const target = postgresTarget(url);
  const { user, password, database, applicationName, options, keepAliveSeconds } = target;
  const address = server ?? target.servers[0] ?? { host: "localhost", port: 5432 };
  return {
    ...CONNECTION_OPTIONS,
    ...addressOf(address),
    // Where there is none, the driver looks into the environment, as libpq does.
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(database !== undefined && { database }),
    ...(keepAliveSeconds !== undefined && { keep_alive: keepAliveSeconds || null }),
    ...(target.isDirectTls && { sslnegotiation: "direct" }),
    connect_timeout: target.connectTimeoutSeconds ?? CONNECT_TIMEOUT_SECONDS,
    prepare: target.prepare,
    ssl: isSocket(address) ? false : tlsOf(target, address, ca),
    connection: {
      application_name: applicationName ?? SERVICE.name,
      ...SETTINGS,
      ...(options !== undefined && { options }),
    },
  };
}

function isSocket({ host }: ServerAddress): boolean {
  return host.startsWith("/");
}

/** In lists, which the driver's types do not know: from a text, it would take the half of an IPv6 address. */
function addressOf(address: ServerAddress): { host: string; port: number; path?: string } {
  const { host, port } = address;
  if (isSocket(address)) return { host: "localhost", port, path: `${host}/.s.PGSQL.${port}` };
  const lists: unknown = { host: [host], port: [port] };
  return lists as { host: string; port: number };
}

/**
 * Where certificates are verified, the driver gets options of TLS itself: it knows no `verify-ca`, and takes
 * `require` to mean that nothing is verified even where there is a CA.
 */
function tlsOf(
  { sslMode, hasSslMode }: PostgresTarget,
  { host }: ServerAddress,
  ca: string | undefined,
) {
  const mode = ca !== undefined && !hasSslMode ? "verify-full" : sslMode;
  if (mode === undefined) return false;
  if (mode === "prefer" || (mode === "require" && ca === undefined)) return mode;
  return {
    rejectUnauthorized: true,
    // Node would look for the name localhost where the host is an address.
    host,
    ...(ca !== undefined && { ca }),
    ...(mode === "verify-ca" && { checkServerIdentity: () => undefined }),
  };
}
