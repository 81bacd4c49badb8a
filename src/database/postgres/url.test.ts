import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parsePostgresUrl, postgresTarget, withPassword } from "./url.ts";

const problemsOf = (url: string): readonly string[] => {
  const parsed = parsePostgresUrl(url);
  return "problems" in parsed ? parsed.problems : [];
};

const withParameters = (parameters: string) => `postgres://u@db/n?${parameters}`;

describe("servers", () => {
  const socket = { host: "/run/postgresql", port: 5432 };
  for (const [url, servers] of [
    ["postgres://u@db/n", [{ host: "db", port: 5432 }]],
    [" postgres://u@db/n\n", [{ host: "db", port: 5432 }]],
    ["postgresql://db:5433", [{ host: "db", port: 5433 }]],
    ["postgres://u@127.0.0.1:1/n", [{ host: "127.0.0.1", port: 1 }]],
    ["postgres://u@[::1]/n", [{ host: "::1", port: 5432 }]],
    ["postgres://u@[2001:db8::1]:6432/n", [{ host: "2001:db8::1", port: 6432 }]],
    [
      "postgres://u@h1:5433,h2,[::1]:5434/n",
      [
        { host: "h1", port: 5433 },
        { host: "h2", port: 5432 },
        { host: "::1", port: 5434 },
      ],
    ],
    [
      "postgres://u@h1,h2/n?port=1,2",
      [
        { host: "h1", port: 1 },
        { host: "h2", port: 2 },
      ],
    ],
    ["postgres:///n?host=db&port=5433", [{ host: "db", port: 5433 }]],
    ["postgres:///n?host=/run/postgresql", [socket]],
    ["postgres://u:p@/n?host=/run/postgresql", [socket]],
    ["postgres://%2Frun%2Fpostgresql/n", [socket]],
    ["postgres://u@%2Frun%2Fpostgresql:5433/n", [{ ...socket, port: 5433 }]],
  ] as const) {
    test(url, () => expect(postgresTarget(url).servers).toEqual([...servers]));
  }
});

test("everything else of a URL", () => {
  const parameters =
    "application_name=a%20b&options=-c%20search_path%3Dbooks&connect_timeout=10&keepalives_idle=30" +
    "&sslmode=require&sslnegotiation=direct&target_session_attrs=primary&prepare=false";
  expect(postgresTarget(`postgres://us%40er:p%3A%23%2F@db/na%2Fme?${parameters}`)).toEqual({
    servers: [{ host: "db", port: 5432 }],
    user: "us@er",
    password: "p:#/",
    database: "na/me",
    applicationName: "a b",
    options: "-c search_path=books",
    connectTimeoutSeconds: 10,
    keepAliveSeconds: 30,
    sslMode: "require",
    hasSslMode: true,
    rootCertificate: undefined,
    isDirectTls: true,
    role: "primary",
    prepare: false,
  });
});

test("parameters go before the parts in front of them, as in libpq", () => {
  expect(
    postgresTarget("postgres://u:p@db:1/n?user=u2&password=p2&dbname=n2&port=2"),
  ).toMatchObject({
    servers: [{ host: "db", port: 2 }],
    user: "u2",
    password: "p2",
    database: "n2",
  });
});

test("an application's name in reserve, and no signs of life", () => {
  const both = "fallback_application_name=b&application_name=a&keepalives=0&keepalives_idle=9";
  expect(postgresTarget(withParameters(both))).toMatchObject({
    applicationName: "a",
    keepAliveSeconds: 0,
  });
  const one = postgresTarget(withParameters("fallback_application_name=b"));
  expect(one.applicationName).toBe("b");
});

test("what managed servers write into their URLs, and what changes nothing", () => {
  const parameters =
    "sslmode=require&channel_binding=require&gssencmode=disable&client_encoding=utf8&load_balance_hosts=disable";
  expect(postgresTarget(withParameters(parameters))).toMatchObject({ sslMode: "require" });
});

describe("sslmode", () => {
  for (const [parameters, sslMode] of [
    ["", undefined],
    ["sslmode=disable", undefined],
    ["sslmode=prefer", "prefer"],
    ["sslmode=require", "require"],
    ["sslmode=verify-ca", "verify-ca"],
    ["sslmode=verify-full", "verify-full"],
    ["sslrootcert=/ca.pem", "verify-full"],
    ["sslrootcert=system", "verify-full"],
    ["sslrootcert=/ca.pem&sslmode=verify-ca", "verify-ca"],
  ] as const) {
    test(parameters || "none", () =>
      expect(postgresTarget(withParameters(parameters)).sslMode).toBe(sslMode as never),
    );
  }
});

describe("refused by its name, with what to do:", () => {
  for (const [parameter, says] of [
    [
      "sslmode=allow",
      /^has sslmode, which must be disable, prefer, require, verify-ca or verify-full$/,
    ],
    ["sslmode=no-verify", /^has sslmode, which must be /],
    ["sslcert=/a", /^has sslcert, which is not supported: client certificates /],
    ["sslkey=/a", /^has sslkey, .+ use a password$/],
    ["sslcrl=/a", /^has sslcrl, /],
    ["sslnegotiation=direct", /^has sslnegotiation=direct, which needs an sslmode of require, /],
    [
      "sslmode=disable&sslrootcert=/a",
      /^has sslrootcert and sslmode=disable; write sslmode=verify-full/,
    ],
    ["sslmode=require&sslrootcert=system", /^has sslrootcert=system, which needs an sslmode of /],
    ["passfile=/a", /^has passfile, .+ DATABASE_PASSWORD_FILE instead$/],
    ["service=a", /^has service, /],
    ["hostaddr=127.0.0.1", /^has hostaddr, .+ in place of the host's name$/],
    ["keepalives_count=3", /^has keepalives_count, /],
    ["tcp_user_timeout=3", /^has tcp_user_timeout, /],
    ["connect_timeout=0", /^has connect_timeout, which must be 1 to 999 seconds$/],
    [
      "target_session_attrs=standby",
      /^has target_session_attrs, which must be any, read-write or primary$/,
    ],
    ["load_balance_hosts=random", /^has load_balance_hosts, which must be disable$/],
    ["gssencmode=require", /^has gssencmode, which must be disable or prefer$/],
    ["krbsrvname=a", /^has krbsrvname, .+ Kerberos /],
    ["client_encoding=LATIN1", /^has client_encoding, which must be UTF8$/],
    ["requirepeer=a", /^has requirepeer, /],
    ["schema=public", /^has schema, .+ options=-c%20search_path%3DNAME instead$/],
    ["pgbouncer=true", /^has pgbouncer, .+ prepare=false instead$/],
    ["statement_cache_size=0", /^has statement_cache_size, .+ prepare=false instead$/],
    ["connection_limit=5", /^has connection_limit, .+ DATABASE_POOL_SIZE instead$/],
    ["pool_timeout=5", /^has pool_timeout, /],
    ["socket_timeout=5", /^has socket_timeout, /],
    ["uselibpqcompat=true", /^has uselibpqcompat, /],
    ["sslaccept=strict", /^has sslaccept, .+ sslmode instead/],
    ["ssl=true", /^has ssl, .+ sslmode instead/],
    ["max=5", /^has max, .+ DATABASE_POOL_SIZE instead$/],
    ["work_mem=1MB", /^has work_mem, .+ write options=-c%20work_mem%3DVALUE$/],
    ["constructor=1", /^has constructor, /],
    ["SSLMODE=require", /^has SSLMODE, /],
  ] as const) {
    test(parameter, () => {
      const [problem, ...others] = problemsOf(withParameters(parameter));
      expect(problem).toMatch(says);
      expect(others).toEqual([]);
    });
  }

  test("each of several", () => {
    expect(problemsOf(withParameters("sslcert=/a&schema=b&sslmode=require"))).toHaveLength(2);
  });
});

describe("no URL of PostgreSQL, or one with raw signs:", () => {
  for (const url of [
    "postgres:",
    "postgres://",
    "postgres:///n",
    "postgres://u@/n",
    "postgres://u:pa#ss@db/n",
    "postgres://u:pa/ss@db/n",
    "postgres://u:pa?ss@db/n",
    "postgres://u:1?ss&a=2@db/n",
    "postgres://u@db/n?s3cret",
    "postgres://u@db/n?s3cret!=1",
    "postgres://u:pa@ss@db/n",
    "postgres://u:p%zz@db/n",
    "postgres://u:100%@db/n",
    "postgres://u@db:port/n",
    "postgres://u@db:0/n",
    "postgres://u@db:99999/n",
    "postgres://u@h1,,h2/n",
    "postgres://u@h1,h2,h3/n?port=1,2",
    "postgres://u@::1/n",
    "postgres://u@d b/n",
    "postgres://u@db/n/m",
    "postgres://u@db/n#m",
    "mysql://u@db/n",
  ]) {
    test(url, () => {
      expect(problemsOf(url)).toEqual([
        "must be postgres://USER@HOST:PORT/NAME. In a user, a password or a name, write the signs " +
          "% @ / ? # as %25 %40 %2F %3F %23",
      ]);
      expect(() => postgresTarget(url)).toThrow(/^The database's URL must be postgres:/);
    });
  }
});

test("a password joins a URL unchanged, with any characters, and nothing else changes", () => {
  const special = fc.constantFrom(..."%:/?#[]@!$&'()*+,;= \\", "%41", "%zz");
  const passwords = fc
    .array(fc.oneof(special, fc.string({ unit: "grapheme" })), { minLength: 1 })
    .map((parts) => parts.join("").toWellFormed())
    .filter((text) => text !== "");
  const urls = fc.constantFrom(
    "postgres://u@db:5433/n",
    "postgresql://u:@h1:1,h2:2/n?sslmode=require",
    "postgres://db",
    "postgres:///n?host=/run/postgresql",
  );
  fc.assert(
    fc.property(urls, passwords, (url, password) => {
      const { password: _, ...rest } = postgresTarget(url);
      expect(postgresTarget(withPassword(url, password))).toEqual({ ...rest, password });
    }),
  );
});
