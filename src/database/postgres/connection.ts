/** How long the server may work on one statement. */
export const STATEMENT_TIMEOUT_MS = 5000;

/** The number of PostgreSQL's type `timestamptz`. */
const TIMESTAMPTZ = 1184;

/** PostgreSQL's own. */
const DEFAULT_PORT = 5432;

/** What every connection is made with, pooled or not. */
const CONNECTION_OPTIONS = {
  /** In seconds. */
  connect_timeout: 3,
  connection: {
    application_name: "thimble",
    statement_timeout: STATEMENT_TIMEOUT_MS,
    // In other zones, old times have an offset with seconds, and those at the ends another year.
    TimeZone: "UTC",
  },
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

/** The options of every connection to the database that a URL names, besides the URL. */
export function connectionOptions(url: string) {
  return { ...CONNECTION_OPTIONS, ...addressOf(url) };
}

/**
 * The driver takes what stands before the first colon of an IPv6 address for its host, unless it gets it in
 * a list, which its types do not know.
 */
function addressOf(url: string): { host: string; port: number } | undefined {
  // One of several hosts is no URL to the platform, and the driver's business.
  const parsed = URL.parse(url);
  if (!parsed?.hostname.startsWith("[")) return undefined;
  const { hostname, port } = parsed;
  const address: unknown = { host: [hostname.slice(1, -1)], port: [Number(port || DEFAULT_PORT)] };
  return address as { host: string; port: number };
}
