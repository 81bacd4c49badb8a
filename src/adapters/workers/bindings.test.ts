import { describe, expect, test } from "bun:test";
import { ConfigError } from "../../config/config.ts";
import { type Bindings, parseBindings } from "./bindings.ts";

const API_KEY = "0123456789abcdef";
const DB = { prepare: () => {}, batch: () => {} };
const HYPERDRIVE = { connectionString: "postgres://user:secret@hyperdrive.local:5432/books" };
const CHOICES =
  "bind a D1 database as DB or Hyperdrive as HYPERDRIVE, or set DATABASE_URL to postgres://USER@HOST:PORT/NAME or memory:";

function problemsOf(bindings: Bindings): readonly string[] {
  try {
    parseBindings(bindings);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("the database is", () => {
  test("D1, if it is bound as DB", () => {
    const { database } = parseBindings({ API_KEY, DB });
    expect(database).toEqual({ kind: "d1", binding: DB as never });
  });

  test("PostgreSQL, if HYPERDRIVE is bound", () => {
    const { database } = parseBindings({ API_KEY, HYPERDRIVE });
    expect(database).toEqual({ kind: "postgres", url: HYPERDRIVE.connectionString });
  });

  test.each(["", " "])(
    "the one behind HYPERDRIVE, where DATABASE_URL is set to %j",
    (DATABASE_URL) => {
      const { database } = parseBindings({ API_KEY, HYPERDRIVE, DATABASE_URL });
      expect(database).toEqual({ kind: "postgres", url: HYPERDRIVE.connectionString });
    },
  );

  test("the one of DATABASE_URL", () => {
    const DATABASE_URL = "postgres://user@db/books";
    const bindings = { API_KEY, DATABASE_URL, DATABASE_PASSWORD: "p w" };
    expect(parseBindings(bindings).database).toEqual({
      kind: "postgres",
      url: "postgres://user:p%20w@db/books",
    });
  });

  test("none, if DATABASE_URL says so", () => {
    const { database } = parseBindings({ API_KEY, DATABASE_URL: "memory:" });
    expect(database).toEqual({ kind: "memory" });
  });
});

test("keys may be lines of a secret", () => {
  const digest = "0a".repeat(32);
  const API_KEYS = `ci process sha256:${digest}\nreader books:read sha256:${"0b".repeat(32)}\n`;
  const bindings = { DB, API_KEYS, ENVIRONMENT: "development" };
  expect(parseBindings(bindings)).toMatchObject({
    apiKeys: [{ name: "ci", scopes: ["process"], digest }, { name: "reader" }],
  });
});

test("variables may be texts, numbers and booleans", () => {
  const bindings = { API_KEY, DB, MAX_BODY_BYTES: 100, PUBLIC_READS: false, LOG_LEVEL: "error" };
  expect(parseBindings(bindings)).toMatchObject({
    apiKey: API_KEY,
    maxBodyBytes: 100,
    publicReads: false,
    logLevel: "ERROR",
  });
});

describe("a problem is", () => {
  test.each([
    {
      what: "no database",
      bindings: { API_KEY },
      problem: `no database: ${CHOICES}`,
    },
    {
      what: "a database variable that is set to nothing",
      bindings: { API_KEY, DATABASE_URL: " " },
      problem: `no database: ${CHOICES}`,
    },
    {
      what: "a SQLite file",
      bindings: { API_KEY, DATABASE_URL: "sqlite:books.db" },
      problem: `DATABASE_URL names a SQLite file, and there are no files here: ${CHOICES}`,
    },
    {
      what: "more than one database",
      bindings: { API_KEY, DB, HYPERDRIVE, DATABASE_URL: "memory:" },
      problem: "DB and HYPERDRIVE and DATABASE_URL are set; set one of them",
    },
    {
      what: "a variable in the place of D1",
      bindings: { API_KEY, DB: "books" },
      problem: "DB must be a D1 database",
    },
    {
      what: "a variable in the place of Hyperdrive",
      bindings: { API_KEY, HYPERDRIVE: "postgres://user:secret@db/books" },
      problem: "HYPERDRIVE must be a Hyperdrive binding",
    },
    {
      what: "no key",
      bindings: { DB },
      problem:
        "API_KEY is not set. Make one: openssl rand -hex 32. To try it out: ENVIRONMENT=development. In place of API_KEY, API_KEYS may hold keys with scopes",
    },
    {
      what: "no key in development",
      bindings: { DB, ENVIRONMENT: "development" },
      problem:
        "API_KEY is required, in development too, because instances start and end at any time",
    },
    {
      what: "the file of a key",
      bindings: { DB, API_KEY_FILE: "/run/secrets/key" },
      problem: "API_KEY_FILE is set, but there are no files here; set API_KEY",
    },
    {
      what: "the file of a database's URL",
      bindings: { API_KEY, DATABASE_URL_FILE: "/run/secrets/url" },
      problem: "DATABASE_URL_FILE is set, but there are no files here; set DATABASE_URL",
    },
    {
      what: "limits that are counted between requests",
      bindings: { API_KEY, DATABASE_URL: "postgres://db/books", RATE_LIMIT_STORE: "database" },
      problem:
        "RATE_LIMIT_STORE must be memory on Workers; limit all instances together with Cloudflare's rate limiting rules",
    },
    {
      what: "what is one everywhere",
      bindings: { API_KEY, DB, LOG_LEVEL: "loud" },
      problem: 'LOG_LEVEL is "loud"; it must be DEBUG, INFO, WARNING or ERROR',
    },
  ])("$what", ({ bindings, problem }) => {
    expect(problemsOf(bindings)).toContain(problem);
  });

  test("named with all the others, and without a secret", () => {
    const bindings = {
      API_KEY: "secret-1",
      DATABASE_URL: "mysql://u:secret-2@db",
      PORT: "80x",
    };
    const problems = problemsOf(bindings);
    expect(problems).toHaveLength(3);
    expect(problems.join("\n")).not.toContain("secret-");
  });
});
