/** PostgreSQL's own. */
const DEFAULT_PORT = "5432";
const MAX_PORT = 65_535;

/** Which of several servers will do: those of libpq's choices to which this service can write. */
export const SERVER_ROLES = ["any", "read-write", "primary"] as const;
export type ServerRole = (typeof SERVER_ROLES)[number];

/** A parameter of the URL that is used, and the values that it takes. */
type Used = { takes: string; pattern: RegExp };

const oneOf = (...words: string[]): Used => ({
  takes: words.length > 1 ? `${words.slice(0, -1).join(", ")} or ${words.at(-1)}` : `${words}`,
  pattern: new RegExp(`^(?:${words.join("|")})$`),
});
const text: Used = { takes: "a text", pattern: /./ };
const seconds: Used = { takes: "1 to 999 seconds", pattern: /^[1-9]\d{0,2}$/ };

/** Parameters that are used, with libpq's meaning; `prepare` is the driver's own. */
const USED: Record<string, Used> = {
  host: { takes: "a name, an address, or the directory of a socket", pattern: /./ },
  port: { takes: "a port from 1 to 65535", pattern: /^\d{1,5}(,\d{1,5})*$/ },
  dbname: text,
  user: text,
  password: text,
  application_name: text,
  fallback_application_name: text,
  options: { takes: "settings of the server, such as -c search_path=books", pattern: /./ },
  connect_timeout: seconds,
  keepalives: oneOf("0", "1"),
  keepalives_idle: seconds,
  sslmode: oneOf("disable", "prefer", "require", "verify-ca", "verify-full"),
  sslrootcert: { takes: "the path of a PEM file, or system", pattern: /./ },
  sslnegotiation: oneOf("postgres", "direct"),
  target_session_attrs: oneOf(...SERVER_ROLES),
  prepare: oneOf("true", "false"),
  // These change nothing: what they ask for is so already, or, for a channel's binding, is not to be had.
  channel_binding: oneOf("disable", "prefer", "require"),
  client_encoding: { takes: "UTF8", pattern: /^(?:utf-?8|auto)$/i },
  gssencmode: oneOf("disable", "prefer"),
  load_balance_hosts: oneOf("disable"),
};

const NO_CLIENT_CERTIFICATE = "client certificates are not supported; use a password";
const NO_KERBEROS = "Kerberos is not supported; use a password";
const SYSTEM = "set it for the whole system, or leave it out";
const LEAVE_OUT = "leave it out";
const TLS_VERSIONS = "leave it out; TLS 1.2 or later is used";
const POOL_SIZE = "set DATABASE_POOL_SIZE instead";
const TIME_LIMITS = "leave it out; an operation may take 6 seconds in all";
const UNPREPARED = "write prepare=false instead";
const SCHEMA = "write options=-c%20search_path%3DNAME instead";
const SSL_MODE = "write sslmode instead: require, verify-ca or verify-full";

/** Parameters of libpq, the driver and other tools that are refused, with what to do in their place. */
const REFUSED: Record<string, string> = {
  hostaddr: "write the address in place of the host's name",
  passfile: "set DATABASE_PASSWORD_FILE instead",
  service: "write what it stands for into the URL",
  servicefile: "write what the service stands for into the URL",
  require_auth: LEAVE_OUT,
  scram_client_key: "use a password",
  scram_server_key: "use a password",
  oauth_issuer: "use a password",
  oauth_client_id: "use a password",
  oauth_client_secret: "use a password",
  oauth_scope: "use a password",
  replication: LEAVE_OUT,
  min_protocol_version: LEAVE_OUT,
  max_protocol_version: LEAVE_OUT,
  keepalives_interval: SYSTEM,
  keepalives_count: SYSTEM,
  tcp_user_timeout: SYSTEM,
  requiressl: "write sslmode=require instead",
  sslcert: NO_CLIENT_CERTIFICATE,
  sslkey: NO_CLIENT_CERTIFICATE,
  sslpassword: NO_CLIENT_CERTIFICATE,
  sslcertmode: NO_CLIENT_CERTIFICATE,
  sslcompression: LEAVE_OUT,
  sslcrl: "lists of revoked certificates are not supported",
  sslcrldir: "lists of revoked certificates are not supported",
  sslsni: LEAVE_OUT,
  sslkeylogfile: LEAVE_OUT,
  ssl_min_protocol_version: TLS_VERSIONS,
  ssl_max_protocol_version: TLS_VERSIONS,
  requirepeer: LEAVE_OUT,
  krbsrvname: NO_KERBEROS,
  gsslib: NO_KERBEROS,
  gssdelegation: NO_KERBEROS,
  // The driver's.
  ssl: SSL_MODE,
  max: POOL_SIZE,
  idle_timeout: LEAVE_OUT,
  max_lifetime: LEAVE_OUT,
  max_pipeline: LEAVE_OUT,
  backoff: LEAVE_OUT,
  keep_alive: "write keepalives_idle instead",
  debug: LEAVE_OUT,
  fetch_types: LEAVE_OUT,
  publications: LEAVE_OUT,
  // Those of Prisma, node-postgres, pgx, JDBC and others.
  schema: SCHEMA,
  currentSchema: SCHEMA,
  search_path: SCHEMA,
  pgbouncer: UNPREPARED,
  statement_cache_size: UNPREPARED,
  prepared_statement_cache_size: UNPREPARED,
  prepareThreshold: UNPREPARED,
  binary_parameters: UNPREPARED,
  default_query_exec_mode: UNPREPARED,
  connection_limit: POOL_SIZE,
  pool_size: POOL_SIZE,
  pool_max_conns: POOL_SIZE,
  pool_timeout: TIME_LIMITS,
  socket_timeout: TIME_LIMITS,
  socketTimeout: TIME_LIMITS,
  query_timeout: TIME_LIMITS,
  statement_timeout: TIME_LIMITS,
  connectTimeout: "write connect_timeout instead",
  ApplicationName: "write application_name instead",
  targetServerType: "write target_session_attrs instead",
  uselibpqcompat: "leave it out; sslmode means what it means to libpq",
  sslaccept: SSL_MODE,
  sslidentity: NO_CLIENT_CERTIFICATE,
};

/** A server's address; a host that begins with a slash is the directory of a Unix socket. */
export type ServerAddress = { host: string; port: number };

export const SSL_MODES = ["prefer", "require", "verify-ca", "verify-full"] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** What a URL says about a database. */
export type PostgresTarget = {
  servers: readonly ServerAddress[];
  user: string | undefined;
  password: string | undefined;
  database: string | undefined;
  applicationName: string | undefined;
  /** Settings of the server, as libpq writes them: `-c name=value`. */
  options: string | undefined;
  connectTimeoutSeconds: number | undefined;
  /** 0 for none. */
  keepAliveSeconds: number | undefined;
  /** `undefined` without TLS, unless there is a CA. */
  sslMode: SslMode | undefined;
  /** Whether the URL says anything of TLS. */
  hasSslMode: boolean;
  /** The file with the CAs to trust; `system` for those of the system. */
  rootCertificate: string | undefined;
  isDirectTls: boolean;
  role: ServerRole | undefined;
  prepare: boolean;
};

/** Where a database is, and which CAs to trust there. */
export type PostgresPlace = {
  url: string;
  /** The certificates of the CAs to trust, in PEM: by default, those of the file that the URL names. */
  ca?: string | undefined;
};

const SHAPE = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^@/?#]*))?(?:\?([^#]*))?$/s;

const PARAMETER = /^\w{1,40}=/;

const ENCODING_HINT =
  "In a user, a password or a name, write the signs % @ / ? # as %25 %40 %2F %3F %23";

/**
 * Reads a URL of PostgreSQL in libpq's form, with one host or several, and libpq's parameters.
 *
 * @returns the target, or problems, which name parameters and never a value.
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 */
export function parsePostgresUrl(url: string): { target: PostgresTarget } | { problems: string[] } {
  const parts = partsOf(url);
  if (!parts) return { problems: [`must be postgres://USER@HOST:PORT/NAME. ${ENCODING_HINT}`] };
  const problems = [...parts.parameters].flatMap(([name, value]) => problemOf(name, value));
  if (problems.length > 0) return { problems };
  const parameters = Object.fromEntries(parts.parameters);
  const servers = serversOf(parts.hosts, parameters);
  if (!servers) return { problems: [`must be postgres://USER@HOST:PORT/NAME. ${ENCODING_HINT}`] };
  const target = targetOf(parts, servers, parameters);
  const contradiction = contradictionOf(target, parameters);
  return contradiction ? { problems: [contradiction] } : { target };
}

/** The target of a URL. @throws {Error} with every problem. */
export function postgresTarget(url: string): PostgresTarget {
  const parsed = parsePostgresUrl(url);
  if ("target" in parsed) return parsed.target;
  throw new Error(parsed.problems.map((problem) => `The database's URL ${problem}`).join("\n"));
}

/** A URL with this password, which it did not have. */
export function withPassword(url: string, password: string): string {
  const [, scheme = "", user, rest = ""] =
    /^(postgres(?:ql)?:\/\/)(?:([^@/?#]*)@)?(.*)$/s.exec(url) ?? [];
  const name = user?.split(":")[0] ?? "";
  return `${scheme}${name}:${encodeURIComponent(password)}@${rest}`;
}

type Parts = {
  user: string | undefined;
  password: string | undefined;
  hosts: string;
  database: string | undefined;
  parameters: Map<string, string>;
};

/** `undefined` where the text is no such URL, or has an escape that stands for nothing. */
function partsOf(url: string): Parts | undefined {
  const [whole, credentials = "", hosts = "", path, query = ""] = SHAPE.exec(url.trim()) ?? [];
  if (whole === undefined) return undefined;
  // A question mark in a password: no part of it may be taken for a parameter, as messages name those.
  if (credentials === "" && query.includes("@")) return undefined;
  const [user = "", ...password] = credentials.split(":");
  try {
    const pairs = query.split("&").filter((pair) => pair !== "");
    if (!pairs.every((pair) => PARAMETER.test(pair))) return undefined;
    return {
      user: decoded(user),
      password: decoded(password.join(":")),
      hosts,
      database: decoded(path),
      parameters: new Map(pairs.map(parameterOf)),
    };
  } catch {
    return undefined;
  }
}

/** An empty part counts as missing. @throws {URIError} */
function decoded(part: string | undefined): string | undefined {
  return part ? decodeURIComponent(part) : undefined;
}

/** @throws {URIError} */
function parameterOf(pair: string): [name: string, value: string] {
  const [name = "", ...value] = pair.split("=");
  return [name, decodeURIComponent(value.join("="))];
}

function problemOf(name: string, value: string): string[] {
  const used = Object.hasOwn(USED, name) ? USED[name] : undefined;
  if (used) return used.pattern.test(value) ? [] : [`has ${name}, which must be ${used.takes}`];
  const instead = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
  if (instead) return [`has ${name}, which is not supported: ${instead}`];
  return [
    `has ${name}, which is not supported: leave it out, or if it is a setting of the server, write ` +
      `options=-c%20${name}%3DVALUE`,
  ];
}

/** As in libpq, a parameter goes before what stands in front of it; several ports go with several hosts. */
function serversOf(
  authority: string,
  { host, port }: Record<string, string>,
): ServerAddress[] | undefined {
  const named = authority.split(",").map(addressOf);
  if (!named.every((each) => each !== undefined)) return undefined;
  const hosts = host?.split(",") ?? named.map((each) => each.host);
  const ports = port?.split(",") ?? named.map((each) => each.port);
  if (ports.length !== 1 && ports.length !== hosts.length) return undefined;
  const servers = hosts.map((each, index) => ({
    host: each,
    port: Number((ports.length === 1 ? ports[0] : ports[index]) || DEFAULT_PORT),
  }));
  const isValid = ({ host: name, port: number }: ServerAddress) =>
    name !== "" && !/\s/.test(name) && number > 0 && number <= MAX_PORT;
  return servers.every(isValid) ? servers : undefined;
}

/** A host with its port, both of which may be empty. An IPv6 address is in brackets. */
function addressOf(text: string): { host: string; port: string } | undefined {
  const [whole, ipv6, name = "", port = ""] =
    /^(?:\[([\da-fA-F:.%]+)\]|([^[\]:]*))(?::(\d*))?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  return { host: ipv6 ?? decoded(name) ?? "", port };
}

function targetOf(
  parts: Parts,
  servers: readonly ServerAddress[],
  parameters: Record<string, string | undefined>,
): PostgresTarget {
  const { keepalives, keepalives_idle: idle, sslmode, sslrootcert } = parameters;
  const application = parameters.application_name ?? parameters.fallback_application_name;
  const mode = sslmode ?? (sslrootcert === undefined ? "disable" : "verify-full");
  return {
    servers,
    user: parameters.user ?? parts.user,
    password: parameters.password ?? parts.password,
    database: parameters.dbname ?? parts.database,
    applicationName: application,
    options: parameters.options,
    connectTimeoutSeconds: optionalNumber(parameters.connect_timeout),
    keepAliveSeconds: keepalives === "0" ? 0 : optionalNumber(idle),
    sslMode: SSL_MODES.find((each) => each === mode),
    hasSslMode: sslmode !== undefined,
    rootCertificate: sslrootcert,
    isDirectTls: parameters.sslnegotiation === "direct",
    role: SERVER_ROLES.find((each) => each === parameters.target_session_attrs),
    prepare: parameters.prepare !== "false",
  };
}

function optionalNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** What two parameters cannot mean together. */
function contradictionOf(
  { sslMode, isDirectTls, rootCertificate }: PostgresTarget,
  { sslmode }: Record<string, string | undefined>,
): string | undefined {
  if (isDirectTls && (sslMode === undefined || sslMode === "prefer")) {
    return "has sslnegotiation=direct, which needs an sslmode of require, verify-ca or verify-full";
  }
  if (rootCertificate === "system" && sslMode !== "verify-full") {
    return "has sslrootcert=system, which needs an sslmode of verify-full, or none";
  }
  if (rootCertificate !== undefined && (sslmode === "disable" || sslmode === "prefer")) {
    return `has sslrootcert and sslmode=${sslmode}; write sslmode=verify-full, or leave sslrootcert out`;
  }
  return undefined;
}
