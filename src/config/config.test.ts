import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { readSecretFile } from "../server/secrets/secret-file.ts";
import {
  ConfigError,
  type Environment,
  hasKey,
  parseConfig,
  parseDatabaseConfig,
  parseProbeAddress,
  type ReadFile,
} from "./config.ts";
import { tracingVariables } from "./tracing.ts";
import { secretNames, type VariableName, variables } from "./variables.ts";

const API_KEY = "0123456789abcdef";
const noFiles: ReadFile = () => {
  throw new Error("no file is to be read");
};

function parse(environment: Environment, readFile: ReadFile = noFiles) {
  return parseConfig({ API_KEY, ...environment }, readFile);
}

/** The problems of a configuration that cannot work. */
function problemsOf(environment: Environment, readFile: ReadFile = noFiles): readonly string[] {
  try {
    parseConfig(environment, readFile);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test("the defaults", () => {
  expect(parse({})).toEqual({
    environment: "production",
    apiKey: API_KEY,
    apiKeys: [],
    host: "::",
    port: 5000,
    tls: undefined,
    debug: false,
    logLevel: "INFO",
    logFormat: "json",
    database: { kind: "sqlite", path: "./data/thimble.db" },
    databasePoolSize: 10,
    dataDirectory: "./data",
    readyWithoutDatabase: false,
    maxBodyBytes: 1_048_576,
    requestTimeoutSeconds: 30,
    idleTimeoutSeconds: 75,
    maxUrlBytes: 8192,
    maxHeaderBytes: 8192,
    maxConcurrentRequests: 1000,
    memoryBudget: undefined,
    rateLimit: { requests: 600, windowMs: 60_000 },
    rateLimitStore: "memory",
    authFailureLimit: { requests: 10, windowMs: 60_000 },
    trustProxy: 0,
    metricsPort: undefined,
    logAccess: true,
    drainDelaySeconds: 5,
    drainTimeoutSeconds: 20,
    seed: false,
    publicReads: true,
    publicDocs: true,
    publicDetails: true,
    corsOrigins: [],
    tracing: undefined,
    serviceLinks: [],
  });
});

for (const [ENVIRONMENT, isExposed] of [
  ["production", true],
  ["staging", true],
  ["test", false],
  ["development", false],
] as const) {
  test(`limits and a drain's delay are ${isExposed ? "on" : "off"} in ${ENVIRONMENT}`, () => {
    expect(parse({ ENVIRONMENT })).toMatchObject({
      rateLimit: isExposed ? { requests: 600, windowMs: 60_000 } : undefined,
      authFailureLimit: isExposed ? { requests: 10, windowMs: 60_000 } : undefined,
      drainDelaySeconds: isExposed ? 5 : 0,
    });
  });
}

for (const ENVIRONMENT of ["production", "staging", "test", "development"]) {
  test(`sample entries are ${ENVIRONMENT === "development" ? "added" : "left out"} in ${ENVIRONMENT}`, () => {
    expect(parse({ ENVIRONMENT }).seed).toBe(ENVIRONMENT === "development");
    expect(parse({ ENVIRONMENT, SEED: "true" }).seed).toBe(true);
    expect(parse({ ENVIRONMENT, SEED: "false" }).seed).toBe(false);
  });
}

type Row = { good: [value: string, parsed: unknown][]; bad: string[] };

const flags: Row = {
  good: [
    ["true", true],
    ["false", false],
    ["TRUE", true],
    ["1", true],
    ["0", false],
    ["on", true],
    ["off", false],
    ["yes", true],
    ["no", false],
  ],
  bad: ["maybe", "2", "tru", "null", "true false"],
};

/** A whole number within these limits. */
const integers = (minimum: number, maximum: number): Row => ({
  good: [
    [`${minimum}`, minimum],
    [`${maximum}`, maximum],
  ],
  bad: [`${minimum - 1}`, `${maximum + 1}`, `${minimum}.5`, "ten", "1e1"],
});

const rates: Row = {
  good: [
    ["off", undefined],
    ["1/second", { requests: 1, windowMs: 1000 }],
    ["600/minute", { requests: 600, windowMs: 60_000 }],
    ["5000/hour", { requests: 5000, windowMs: 3_600_000 }],
  ],
  bad: ["0/minute", "600", "600/day", "/minute", "-1/second", "1.5/second", "600 / minute", "on"],
};

const FIELDS = {
  ENVIRONMENT: "environment",
  API_KEY: "apiKey",
  HOST: "host",
  PORT: "port",
  DEBUG: "debug",
  LOG_LEVEL: "logLevel",
  LOG_FORMAT: "logFormat",
  DATABASE_URL: "database",
  DATABASE_POOL_SIZE: "databasePoolSize",
  READY_WITHOUT_DATABASE: "readyWithoutDatabase",
  DATA_DIR: "database",
  MAX_BODY_BYTES: "maxBodyBytes",
  REQUEST_TIMEOUT_SECONDS: "requestTimeoutSeconds",
  IDLE_TIMEOUT_SECONDS: "idleTimeoutSeconds",
  MAX_URL_BYTES: "maxUrlBytes",
  MAX_HEADER_BYTES: "maxHeaderBytes",
  MAX_CONCURRENT_REQUESTS: "maxConcurrentRequests",
  RATE_LIMIT: "rateLimit",
  RATE_LIMIT_STORE: "rateLimitStore",
  AUTH_FAILURE_LIMIT: "authFailureLimit",
  TRUST_PROXY: "trustProxy",
  METRICS_PORT: "metricsPort",
  LOG_ACCESS: "logAccess",
  DRAIN_DELAY_SECONDS: "drainDelaySeconds",
  DRAIN_TIMEOUT_SECONDS: "drainTimeoutSeconds",
  SEED: "seed",
  MEMORY_BUDGET: "memoryBudget",
  PUBLIC_READS: "publicReads",
  PUBLIC_DOCS: "publicDocs",
  PUBLIC_DETAILS: "publicDetails",
  CORS_ORIGINS: "corsOrigins",
} as const;

const VALUES: Record<keyof typeof FIELDS, Row> = {
  ENVIRONMENT: {
    good: ["production", "staging", "test", "development"].map((value) => [value, value]),
    bad: ["prod", "Production", "production,test"],
  },
  API_KEY: {
    good: [
      ["!".repeat(16), "!".repeat(16)],
      ["~".repeat(500), "~".repeat(500)],
    ],
    bad: ["a".repeat(15), "sixteen chars ok", "sixteen-chars-\u00e9\u00e9", "tab\tinside-the-key"],
  },
  HOST: {
    good: ["127.0.0.1", "::", "::1", "localhost", "api-1.example"].map((value) => [value, value]),
    bad: ["http://localhost", "localhost/", "a b", "[::1]", "host,other"],
  },
  PORT: {
    good: [
      ["0", 0],
      ["1", 1],
      ["5000", 5000],
      ["65535", 65_535],
    ],
    bad: ["65536", "-1", "1.5", "5e3", "0x50", "80a", " 80", "99999999999999999999", "tcp://a"],
  },
  DEBUG: flags,
  LOG_LEVEL: {
    good: [
      ["DEBUG", "DEBUG"],
      ["INFO", "INFO"],
      ["WARNING", "WARNING"],
      ["ERROR", "ERROR"],
      ["warning", "WARNING"],
    ],
    bad: ["WARN", "TRACE", "0", "INFO,ERROR"],
  },
  LOG_FORMAT: {
    good: [
      ["json", "json"],
      ["text", "text"],
    ],
    bad: ["xml", "pretty", "json text"],
  },
  DATABASE_URL: {
    good: [
      ["memory:", { kind: "memory" }],
      ["sqlite:books.db", { kind: "sqlite", path: "books.db" }],
      ["sqlite:./a/books.db", { kind: "sqlite", path: "./a/books.db" }],
      ["sqlite:/var/books.db", { kind: "sqlite", path: "/var/books.db" }],
      ["sqlite:///var/books.db", { kind: "sqlite", path: "/var/books.db" }],
      ["sqlite:a b%3F.db", { kind: "sqlite", path: "a b%3F.db" }],
      ["postgres://u:p@db:5433/n", { kind: "postgres", url: "postgres://u:p@db:5433/n" }],
      ["postgresql://u@db/n", { kind: "postgres", url: "postgresql://u@db/n" }],
      ["postgres://db", { kind: "postgres", url: "postgres://db" }],
      [
        "postgres://u@db/n?sslmode=require",
        { kind: "postgres", url: "postgres://u@db/n?sslmode=require" },
      ],
      [
        "postgres://u@db/n?sslmode=require&channel_binding=require",
        {
          kind: "postgres",
          url: "postgres://u@db/n?sslmode=require&channel_binding=require",
        },
      ],
      ["postgres://u@[::1]:5432/n", { kind: "postgres", url: "postgres://u@[::1]:5432/n" }],
    ],
    bad: [
      "mysql://u@db/n",
      "sqlite:",
      "sqlite://",
      "sqlite::x",
      "memory:x",
      "memory",
      "http://db",
      "books.db",
      "file:books.db",
    ],
  },
  DATABASE_POOL_SIZE: {
    good: [
      ["1", 1],
      ["1000", 1000],
    ],
    bad: ["0", "1001", "-5", "2.5", "ten"],
  },
  READY_WITHOUT_DATABASE: flags,
  DATA_DIR: {
    good: [
      ["/data", { kind: "sqlite", path: "/data/thimble.db" }],
      ["a b", { kind: "sqlite", path: "a b/thimble.db" }],
    ],
    bad: [],
  },
  MAX_BODY_BYTES: {
    good: [
      ["1", 1],
      ["1073741824", 1_073_741_824],
    ],
    bad: ["0", "1073741825", "1MiB", "1e6"],
  },
  REQUEST_TIMEOUT_SECONDS: {
    good: [
      ["1", 1],
      ["240", 240],
    ],
    bad: ["0", "241", "0.5", "30s"],
  },
  IDLE_TIMEOUT_SECONDS: {
    good: [
      ["off", 0],
      ["1", 1],
      ["3600", 3600],
    ],
    bad: ["0", "3601", "1.5", "Off", "on"],
  },
  MAX_URL_BYTES: integers(64, 65_536),
  MAX_HEADER_BYTES: integers(256, 65_536),
  MAX_CONCURRENT_REQUESTS: integers(1, 100_000),
  RATE_LIMIT: rates,
  // The other one needs PostgreSQL: see below.
  RATE_LIMIT_STORE: { good: [["memory", "memory"]], bad: ["redis", "Database", "on"] },
  AUTH_FAILURE_LIMIT: rates,
  TRUST_PROXY: {
    good: [
      ["0", 0],
      ["10", 10],
      ["10.0.0.0/8", ["10.0.0.0/8"]],
      ["192.0.2.1 , fd00::/8", ["192.0.2.1", "fd00::/8"]],
    ],
    bad: ["-1", "11", "ten", "1e1", "uniquelocal"],
  },
  METRICS_PORT: integers(0, 65_535),
  LOG_ACCESS: flags,
  DRAIN_DELAY_SECONDS: integers(0, 300),
  DRAIN_TIMEOUT_SECONDS: integers(1, 300),
  SEED: flags,
  MEMORY_BUDGET: integers(1_048_576, 1024 ** 4),
  PUBLIC_READS: flags,
  PUBLIC_DOCS: flags,
  PUBLIC_DETAILS: flags,
  CORS_ORIGINS: {
    good: [
      ["*", ["*"]],
      ["https://app.example", ["https://app.example"]],
      [
        " https://app.example , http://localhost:3000 ",
        ["https://app.example", "http://localhost:3000"],
      ],
    ],
    bad: [
      "app.example",
      "https://app.example/",
      "https://app.example/path",
      "https://app.example:443",
      "https://*.example",
      "https://app.example,",
      "https://app.example https://b.example",
      "https://user@app.example",
      "null",
    ],
  },
};

for (const [name, { good, bad }] of Object.entries(VALUES) as [keyof typeof FIELDS, Row][]) {
  describe(name, () => {
    for (const [value, parsed] of good) {
      test(`takes ${JSON.stringify(value)}`, () => {
        expect(parse({ [name]: value })[FIELDS[name]]).toEqual(parsed as never);
      });
    }
    for (const value of bad) {
      test(`refuses ${JSON.stringify(value)}, naming itself, what it received and what it takes`, () => {
        const takes = variables[name].takes.replaceAll("`", "");
        const isSecret = "secret" in variables[name] || value.includes("@");
        const received = isSecret ? "" : ` is ${JSON.stringify(value)}; it`;
        expect(problemsOf({ API_KEY, [name]: value })).toEqual([
          `${name}${received} must be ${takes}`,
        ]);
      });
    }
  });
}

describe("RATE_LIMIT_STORE=database", () => {
  const STORE = { RATE_LIMIT_STORE: "database" };
  const SHARED = { ...STORE, DATABASE_URL: "postgres://db/thimble" };

  test("counts in PostgreSQL", () => {
    expect(parse({ ...SHARED, RATE_LIMIT: "9/hour" })).toMatchObject({
      rateLimit: { requests: 9, windowMs: 3_600_000 },
      rateLimitStore: "database",
    });
  });

  for (const [DATABASE_URL, kind] of [
    ["memory:", "memory"],
    ["sqlite:books.db", "sqlite"],
    [undefined, "sqlite"],
  ] as const) {
    test(`is refused where DATABASE_URL is ${DATABASE_URL}`, () => {
      expect(problemsOf({ API_KEY, ...STORE, DATABASE_URL })).toEqual([
        `RATE_LIMIT_STORE is "database", and that is ${kind}, which no other instance has; ` +
          "set DATABASE_URL to a postgres:// URL, or leave RATE_LIMIT_STORE unset",
      ]);
    });
  }

  for (const name of ["RATE_LIMIT", "AUTH_FAILURE_LIMIT"] as const) {
    test(`is refused where ${name} is per second`, () => {
      expect(problemsOf({ API_KEY, ...SHARED, [name]: "10/second" })).toEqual([
        `${name} is "10/second"; with RATE_LIMIT_STORE=database it must be per minute or hour, ` +
          "because instances take up to a second to learn each other's counts",
      ]);
    });
  }
});

test("every variable is in these tables", () => {
  const inPairs = [
    "DATABASE_PASSWORD",
    "DATABASE_CA_FILE",
    "TLS_CERT_FILE",
    "TLS_KEY_FILE",
  ] as const;
  const covered: VariableName[] = [
    ...(Object.keys(VALUES) as VariableName[]),
    "API_KEYS",
    ...inPairs,
    // tracing.test.ts has tables for them.
    ...(Object.keys(tracingVariables) as VariableName[]),
  ];
  expect(covered.toSorted()).toEqual((Object.keys(variables) as VariableName[]).toSorted());
});

describe("TRUST_PROXY says which network is wrong, and what to write:", () => {
  for (const [value, why] of [
    ["10.0.0.0/8,10.0.0.5/8", '"10.0.0.5/8" has bits after its first 8; write 10.0.0.0/8'],
    ["10.0.0.0/8,", '"" is no network; write one as 10.0.0.0/8 or fd00::/8'],
    ["0.5", '"0.5" is no network; write one as 10.0.0.0/8 or fd00::/8'],
  ] as const) {
    test(value, () => {
      expect(problemsOf({ API_KEY, TRUST_PROXY: value })).toEqual([
        `TRUST_PROXY is "${value}"; it must be a whole number from 0 to 10, or networks such as 10.0.0.0/8,fd00::/8: ${why}`,
      ]);
    });
  }
});

test("every variable has texts for its values and its purpose", () => {
  for (const { takes, description } of Object.values(variables)) {
    expect(takes).toMatch(/\S/);
    expect(description).toMatch(/\S/);
  }
});

test("DEBUG=true logs from level DEBUG up, whatever LOG_LEVEL says", () => {
  expect(parse({ DEBUG: "true", LOG_LEVEL: "ERROR" }).logLevel).toBe("DEBUG");
});

test("every problem is reported at once", () => {
  const problems = problemsOf({
    ENVIRONMENT: "prod",
    PORT: "http",
    LOG_LEVEL: "loud",
    DATABASE_URL: "mysql://db",
    DATABASE_PASSWORD: "a",
    CORS_ORIGINS: "app",
  });
  const names = problems.map((problem) => problem.split(" ")[0]);
  expect(names.toSorted()).toEqual([
    "API_KEY",
    "CORS_ORIGINS",
    "DATABASE_PASSWORD",
    "DATABASE_URL",
    "ENVIRONMENT",
    "LOG_LEVEL",
    "PORT",
  ]);
});

describe("API_KEY is", () => {
  for (const ENVIRONMENT of ["production", "staging", "test", undefined]) {
    test(`required where ENVIRONMENT is ${ENVIRONMENT ?? "not set"}`, () => {
      expect(problemsOf({ ENVIRONMENT })).toEqual([
        "API_KEY is not set. Make one: openssl rand -hex 32. To try it out: ENVIRONMENT=development. In place of API_KEY, API_KEY_FILE may name a file, or API_KEYS may hold keys with scopes",
      ]);
    });
  }

  test("not required in development", () => {
    expect(parseConfig({ ENVIRONMENT: "development" }, noFiles).apiKey).toBeUndefined();
  });

  test("still checked in development", () => {
    expect(problemsOf({ ENVIRONMENT: "development", API_KEY: "short" })).toHaveLength(1);
  });
});

describe("API_KEYS", () => {
  const DIGEST = `sha256:${"0a".repeat(32)}`;
  const READER = `reader books:read ${DIGEST}`;

  test("is enough without API_KEY", () => {
    const config = parseConfig({ API_KEYS: READER }, noFiles);
    expect(config.apiKey).toBeUndefined();
    expect(config.apiKeys).toEqual([
      { name: "reader", scopes: ["books:read"], digest: "0a".repeat(32) },
    ]);
    expect(hasKey(config)).toBe(true);
    expect(hasKey(parseConfig({ ENVIRONMENT: "development" }))).toBe(false);
  });

  test("may be set together with API_KEY", () => {
    expect(parse({ API_KEYS: READER })).toMatchObject({ apiKey: API_KEY, apiKeys: [{}] });
  });

  test("may have lines in one variable, and blank ones", () => {
    const API_KEYS = `\n# who may read\n\n${READER}\r\n\n`;
    expect(parse({ API_KEYS }).apiKeys).toHaveLength(1);
  });

  test("is reported with the number of each wrong line in its file, without its content", () => {
    const text = `\n\n${READER}\nhidden-1\n${READER}\n  hidden-2 books:write x`;
    expect(problemsOf({ API_KEYS_FILE: "/f" }, () => text)).toEqual([
      expect.stringMatching(/^API_KEYS_FILE line 4: scopes are books:read, .+/),
      "API_KEYS_FILE line 5: repeats the name of line 3; each must be unique",
      expect.stringMatching(/^API_KEYS_FILE line 6: a digest is sha256: and 64 /),
    ]);
    expect(problemsOf({ API_KEYS: text }).join("\n")).not.toMatch(/hidden|_FILE/);
  });

  test("must hold a key", () => {
    for (const API_KEYS of ["# none yet", "\n#\n"]) {
      expect(problemsOf({ API_KEY, API_KEYS })).toEqual([
        expect.stringMatching(/^API_KEYS holds no key; write lines of the form NAME SCOPE/),
      ]);
    }
  });

  test("cannot have a key with the name of API_KEY, if that is set", () => {
    const API_KEYS = `default books:read ${DIGEST}`;
    expect(problemsOf({ API_KEY, API_KEYS })).toEqual([
      "API_KEYS has a key named default, the name of API_KEY; choose another name",
    ]);
    expect(problemsOf({ API_KEYS })).toEqual([]);
  });
});

describe("an empty variable counts as unset:", () => {
  const names = (Object.keys(variables) as VariableName[]).flatMap((name) =>
    secretNames.includes(name) ? [name, `${name}_FILE`] : [name],
  );
  for (const name of names) {
    test(name, () => {
      const unset = name.startsWith("API_KEY") ? { ENVIRONMENT: "development" } : { API_KEY };
      for (const nothing of ["", " ", "\n", undefined]) {
        expect(parseConfig({ ...unset, [name]: nothing }, noFiles)).toEqual(
          parseConfig(unset, noFiles),
        );
      }
    });
  }
});

describe("a secret's file", () => {
  test("is possible for the key, the database's URL and its password, and for a collector's key", () => {
    expect(secretNames).toEqual([
      "API_KEY",
      "API_KEYS",
      "DATABASE_URL",
      "DATABASE_PASSWORD",
      "OTEL_EXPORTER_OTLP_HEADERS",
    ]);
  });

  const read = (content: string) => () => content;
  for (const content of [API_KEY, `${API_KEY}\n`, `${API_KEY}\r\n`, `\n ${API_KEY} \n\n`]) {
    test(`gives ${JSON.stringify(content)} without what surrounds it`, () => {
      expect(parseConfig({ API_KEY_FILE: "/f" }, read(content)).apiKey).toBe(API_KEY);
    });
  }

  test("gives the database's URL and its password", () => {
    const files: Record<string, string> = { url: "postgres://u@db/n\n", password: "p w\n" };
    const environment = { API_KEY, DATABASE_URL_FILE: "url", DATABASE_PASSWORD_FILE: "password" };
    const { database } = parseConfig(environment, (path) => files[path] ?? "");
    expect(database).toEqual({ kind: "postgres", url: "postgres://u:p%20w@db/n" });
  });

  test("is not read if the variable is set too", () => {
    expect(problemsOf({ API_KEY, API_KEY_FILE: "/f" })).toEqual([
      "API_KEY and API_KEY_FILE are both set; set one of them",
    ]);
  });

  test("must hold a valid value of the variable", () => {
    const problems = problemsOf({ API_KEY_FILE: "/f" }, read("short"));
    expect(problems).toEqual([expect.stringMatching(/^API_KEY must be at least 16 /)]);
  });

  test("is a problem on a platform without files", () => {
    const environment = { API_KEY_FILE: "/f", DATABASE_URL: "memory:", DATABASE_PASSWORD_FILE: "" };
    expect(() => parseConfig(environment)).toThrow(
      /^API_KEY_FILE is set, but there are no files here; set API_KEY$/,
    );
    expect(() => parseConfig({})).toThrow(
      /In place of API_KEY, API_KEYS may hold keys with scopes$/,
    );
  });

  describe("on the disk", () => {
    const inDirectory = (use: (directory: string) => void) => () => {
      const directory = mkdtempSync(join(tmpdir(), "thimble-secrets-"));
      try {
        use(directory);
      } finally {
        rmSync(directory, { recursive: true });
      }
    };
    const problemsWith = (path: string) => problemsOf({ API_KEY_FILE: path }, readSecretFile);

    test(
      "is read",
      inDirectory((directory) => {
        writeFileSync(join(directory, "key"), `${API_KEY}\n`);
        const config = parseConfig({ API_KEY_FILE: join(directory, "key") }, readSecretFile);
        expect(config.apiKey).toBe(API_KEY);
      }),
    );

    for (const content of ["", "\n", " \r\n\t"]) {
      test(
        `is a problem when it holds ${JSON.stringify(content)}`,
        inDirectory((directory) => {
          writeFileSync(join(directory, "key"), content);
          expect(problemsWith(join(directory, "key"))).toEqual([
            "API_KEY_FILE names an empty file",
          ]);
        }),
      );
    }

    test(
      "is a problem when it is missing",
      inDirectory((directory) => {
        expect(problemsWith(join(directory, "key"))).toEqual([
          "API_KEY_FILE names a file that cannot be read: ENOENT",
        ]);
      }),
    );

    for (const [what, make, says] of [
      ["a directory", (path) => mkdirSync(path), "is a directory; name a regular file"],
      [
        "a link to a device",
        (path) => symlinkSync("/dev/zero", path),
        "is a device; name a regular file",
      ],
      [
        "a huge file",
        (path) => writeFileSync(path, "a".repeat(1_048_577)),
        "has 1048577 bytes; name a file of at most 1048576",
      ],
    ] satisfies [string, (path: string) => void, string][]) {
      test(
        `is a problem when it is ${what}, and is not opened`,
        inDirectory((directory) => {
          const path = join(directory, "key");
          make(path);
          expect(problemsWith(path)).toEqual([`API_KEY_FILE names ${path}, which ${says}`]);
        }),
      );
    }

    test(
      "may be a link, and have a mebibyte",
      inDirectory((directory) => {
        const [path, target] = [join(directory, "key"), join(directory, "target")];
        writeFileSync(target, API_KEY.padEnd(1_048_576, "\n"));
        symlinkSync(target, path);
        expect(parseConfig({ API_KEY_FILE: path }, readSecretFile).apiKey).toBe(API_KEY);
      }),
    );

    const isRoot = process.getuid?.() === 0;
    test.skipIf(isRoot)(
      `is a problem when its mode forbids reading${isRoot ? " (skipped: root may read any file)" : ""}`,
      inDirectory((directory) => {
        writeFileSync(join(directory, "key"), API_KEY);
        chmodSync(join(directory, "key"), 0o000);
        expect(problemsWith(join(directory, "key"))).toEqual([
          "API_KEY_FILE names a file that cannot be read: EACCES",
        ]);
      }),
    );
  });

  test("is a problem when reading fails without a code", () => {
    const problems = problemsOf({ API_KEY_FILE: "/f" }, () => {
      throw new Error("/f says why not");
    });
    expect(problems).toEqual(["API_KEY_FILE names a file that cannot be read: unknown error"]);
  });
});

describe("DATABASE_PASSWORD", () => {
  const urlWith = (DATABASE_URL: string, DATABASE_PASSWORD: string) => {
    const { database } = parse({ DATABASE_URL, DATABASE_PASSWORD });
    return new URL(database.kind === "postgres" ? database.url : "not:postgres");
  };

  test("joins a URL that names a user", () => {
    const { href } = urlWith("postgres://u@db:5433/n?sslmode=require", "secret");
    expect(href).toBe("postgres://u:secret@db:5433/n?sslmode=require");
  });

  test("joins a URL whose password is empty", () => {
    expect(urlWith("postgres://u:@db/n", "secret").href).toBe("postgres://u:secret@db/n");
  });

  test("arrives unchanged, with any characters", () => {
    const special = fc.constantFrom(..."%:/?#[]@!$&'()*+,;= \\", "%41", "%zz");
    const passwords = fc
      .array(fc.oneof(special, fc.string({ unit: "binary" })), { minLength: 1 })
      .map((parts) => parts.join(""))
      .filter((text) => text.trim() !== "");
    fc.assert(
      fc.property(passwords, (password) => {
        const url = urlWith("postgresql://user@db:5433/name", password);
        expect(decodeURIComponent(url.password)).toBe(password);
        expect([url.username, url.host, url.pathname]).toEqual(["user", "db:5433", "/name"]);
      }),
    );
  });

  test("is a problem together with a URL that has one", () => {
    expect(
      problemsOf({ API_KEY, DATABASE_URL: "postgres://u:p@db/n", DATABASE_PASSWORD: "secret" }),
    ).toEqual(["DATABASE_PASSWORD is set, but DATABASE_URL has a password too; set one of them"]);
  });

  for (const DATABASE_URL of [undefined, "memory:", "sqlite:books.db"]) {
    test(`is a problem where DATABASE_URL is ${DATABASE_URL ?? "not set"}`, () => {
      expect(problemsOf({ API_KEY, DATABASE_URL, DATABASE_PASSWORD: "secret" })).toEqual([
        "DATABASE_PASSWORD must be a password, together with a postgres:// DATABASE_URL that has none",
      ]);
    });
  }
});

describe("a URL of SQLite that another program would read in another way is refused:", () => {
  for (const [url, says] of [
    ["sqlite::memory:", /^DATABASE_URL names a SQLite database in memory; write memory: for /],
    ["sqlite://:memory:", /^DATABASE_URL names a SQLite database in memory; /],
    ["sqlite:///:memory:", /^DATABASE_URL names a SQLite database in memory; /],
    ["sqlite::memory:?cache=shared", /^DATABASE_URL names a SQLite database in memory; /],
    ["sqlite:x.db?mode=ro", /^DATABASE_URL has a \? or # after sqlite:, .+; write sqlite:PATH$/],
    ["sqlite:///x.db#a", /^DATABASE_URL has a \? or # after sqlite:, /],
    ["sqlite:file:x.db", /^DATABASE_URL has file: after sqlite:, /],
  ] as const) {
    test(url, () => {
      expect(problemsOf({ API_KEY, DATABASE_URL: url })).toEqual([expect.stringMatching(says)]);
    });
  }
});

test("a URL of PostgreSQL is refused with each of its problems", () => {
  const DATABASE_URL = "postgres://u:secret@db/n?sslcert=/a&schema=b";
  const problems = problemsOf({ API_KEY, DATABASE_URL });
  expect(problems).toEqual([
    expect.stringMatching(/^DATABASE_URL has sslcert, which is not supported: /),
    expect.stringMatching(/^DATABASE_URL has schema, which is not supported: /),
  ]);
  expect(problemsOf({ API_KEY, DATABASE_URL: "postgres://u:se#cret@db/n" })).toEqual([
    expect.stringMatching(/^DATABASE_URL must be postgres:.+ write the signs % @ \/ \? # as /),
  ]);
});

describe("the CAs of a database", () => {
  const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  const DATABASE_URL = "postgres://u@db/n";
  const files: Record<string, string> = { "/ca.pem": PEM, "/letter.txt": "Dear reader" };
  const read: ReadFile = (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(path), { code: "ENOENT" });
    return text;
  };

  test("are read from the file that the variable or the URL names", () => {
    const variable = { DATABASE_URL, DATABASE_CA_FILE: "/ca.pem" };
    const inUrl = { DATABASE_URL: `${DATABASE_URL}?sslrootcert=/ca.pem` };
    for (const environment of [variable, inUrl]) {
      expect(parse(environment, read).database).toMatchObject({ kind: "postgres", ca: PEM });
      expect(parseDatabaseConfig(environment, read).database).toMatchObject({ ca: PEM });
    }
  });

  test("are those of the system where the URL says so", () => {
    const { database } = parse({ DATABASE_URL: `${DATABASE_URL}?sslrootcert=system` }, read);
    expect(database).not.toHaveProperty("ca");
  });

  for (const [environment, says] of [
    [{ DATABASE_CA_FILE: "/none" }, "DATABASE_CA_FILE names a file that cannot be read: ENOENT"],
    [
      { DATABASE_URL: `${DATABASE_URL}?sslrootcert=/none` },
      "sslrootcert of DATABASE_URL names a file that cannot be read: ENOENT",
    ],
    [
      { DATABASE_CA_FILE: "/letter.txt" },
      "DATABASE_CA_FILE names a file without a certificate in PEM",
    ],
    [
      { DATABASE_CA_FILE: "/ca.pem", DATABASE_URL: `${DATABASE_URL}?sslmode=disable` },
      "DATABASE_CA_FILE is set, but DATABASE_URL has an sslmode that verifies nothing; write sslmode=verify-full",
    ],
    [
      { DATABASE_CA_FILE: "/ca.pem", DATABASE_URL: `${DATABASE_URL}?sslrootcert=/ca.pem` },
      "DATABASE_CA_FILE is set, but DATABASE_URL has sslrootcert too; set one of them",
    ],
    [
      { DATABASE_CA_FILE: "/ca.pem", DATABASE_URL: "memory:" },
      "DATABASE_CA_FILE must be the path of a PEM file, together with a postgres:// DATABASE_URL",
    ],
  ] as const) {
    test(`are refused: ${says}`, () => {
      expect(problemsOf({ API_KEY, DATABASE_URL, ...environment }, read)).toEqual([says]);
    });
  }

  test("are a problem on a platform without files", () => {
    expect(() => parseConfig({ API_KEY, DATABASE_URL, DATABASE_CA_FILE: "/ca.pem" })).toThrow(
      "DATABASE_CA_FILE is set, but there are no files here",
    );
  });
});

describe("what Kubernetes writes into PORT and METRICS_PORT, for a Service of that name,", () => {
  for (const link of ["tcp://10.0.0.1:9090", "udp://10.0.0.1:53", "sctp://[fd00::1]:1"]) {
    test(`is ignored: ${link}`, () => {
      const environment = { API_KEY, METRICS_PORT: link, PORT: link };
      const { port, metricsPort, serviceLinks } = parseConfig(environment, noFiles);
      expect([port, metricsPort]).toEqual([5000, undefined]);
      expect(serviceLinks).toEqual(["PORT", "METRICS_PORT"]);
      expect(parseProbeAddress(environment)).toMatchObject({ port: 5000 });
    });
  }

  test("and nothing else is ignored", () => {
    for (const METRICS_PORT of ["tcp://10.0.0.1", "http://10.0.0.1:9090", "tcp:9090", "9090/tcp"]) {
      expect(problemsOf({ API_KEY, METRICS_PORT })).toEqual([
        expect.stringMatching(/^METRICS_PORT is .+; it must be /),
      ]);
    }
  });
});

test("a problem shows no value of a secret or a URL, and no password", () => {
  const names = Object.keys(variables).flatMap((name) => [name, `${name}_FILE`]);
  const hidden = (name: string) =>
    secretNames.some((secret) => name.startsWith(secret)) || name.endsWith("_ENDPOINT");
  // Random letters and digits, too long to occur in a message by chance.
  const secret = fc.stringMatching(/^[A-Z0-9]{12,40}$/);
  const shape = fc.constantFrom<(secret: string) => string>(
    (text) => text,
    (text) => `mysql://user:${text}@db/n`,
    (text) => `postgres://user:${text}@db:port/n`,
    (text) => `sqlite::${text}`,
    (text) => `https://${text}@app.example/`,
    (text) => `/run/secrets/${text}`,
  );
  const environment = fc.dictionary(fc.constantFrom(...names), shape, { minKeys: 1 });
  const readers = [readSecretFile, (path: string) => path, () => ""];
  fc.assert(
    fc.property(environment, secret, fc.constantFrom(...readers), (shapes, text, readFile) => {
      const values = Object.entries(shapes).map(([name, wrap]) => [
        name,
        hidden(name) ? wrap(text) : `https://user:${text}@app.example/`,
      ]);
      const told = problemsOf(Object.fromEntries(values), readFile).join("\n");
      expect(told).not.toContain(text);
    }),
    { numRuns: 500 },
  );
});

describe("the configuration of the database alone", () => {
  test("requires no key, and nothing else that only serving needs", () => {
    const environment = { PORT: "high", API_KEY_FILE: "/no/such/file", DATA_DIR: "/data" };
    expect(parseDatabaseConfig(environment, noFiles)).toEqual({
      database: { kind: "sqlite", path: "/data/thimble.db" },
      databasePoolSize: 10,
      dataDirectory: "/data",
      logLevel: "INFO",
      logFormat: "json",
    });
  });

  test("reads secrets from files", () => {
    const environment = { DATABASE_URL: "postgres://u@db/n", DATABASE_PASSWORD_FILE: "/f" };
    const { database } = parseDatabaseConfig(environment, () => "p w\n");
    expect(database).toEqual({ kind: "postgres", url: "postgres://u:p%20w@db/n" });
  });

  test("is refused with every problem at once", () => {
    const environment = { DATABASE_URL: "mysql://db", DATABASE_POOL_SIZE: "0", LOG_LEVEL: "loud" };
    expect(() => parseDatabaseConfig(environment, noFiles)).toThrow(
      /^DATABASE_POOL_SIZE is "0"; it must be .+\nLOG_LEVEL is "loud"; it must be .+\nDATABASE_URL must be .+$/,
    );
  });
});

describe("a certificate", () => {
  const both = { TLS_CERT_FILE: "/tls/tls.crt", TLS_KEY_FILE: "/tls/tls.key" };

  test("is named by both of its files", () => {
    expect(parse(both).tls).toEqual({ certFile: "/tls/tls.crt", keyFile: "/tls/tls.key" });
  });

  test("needs both of them", () => {
    expect(problemsOf({ API_KEY, ...both, TLS_KEY_FILE: "" })).toEqual([
      "TLS_CERT_FILE is set, and TLS_KEY_FILE is not; set both",
    ]);
    expect(problemsOf({ API_KEY, ...both, TLS_CERT_FILE: undefined })).toEqual([
      "TLS_KEY_FILE is set, and TLS_CERT_FILE is not; set both",
    ]);
  });

  test("is a problem on a platform without files", () => {
    expect(() => parseConfig({ API_KEY, ...both })).toThrow(
      "TLS_CERT_FILE is set, but there are no files here",
    );
  });
});

test("METRICS_PORT may not be the port of the API, unless the system chooses both", () => {
  expect(problemsOf({ API_KEY, METRICS_PORT: "5000" })).toEqual([
    "METRICS_PORT and PORT are the same; leave METRICS_PORT unset to share the port",
  ]);
  expect(parseConfig({ API_KEY, PORT: "0", METRICS_PORT: "0" })).toMatchObject({ metricsPort: 0 });
});

describe("the address to ask for readiness", () => {
  test("is that of HOST and PORT", () => {
    const address = { host: "::1", port: 80, isHttps: false };
    expect(parseProbeAddress({ HOST: "::1", PORT: "80" })).toEqual(address);
  });

  test("uses HTTPS if there is a certificate", () => {
    expect(parseProbeAddress({ TLS_CERT_FILE: "tls.crt" }).isHttps).toBe(true);
    expect(parseProbeAddress({ TLS_CERT_FILE: "" }).isHttps).toBe(false);
  });

  test("is that of METRICS_PORT, without HTTPS, if the health routes have their own port", () => {
    const environment = { PORT: "80", METRICS_PORT: "9090", TLS_CERT_FILE: "tls.crt" };
    const address = { host: "::", port: 9090, isHttps: false };
    expect(parseProbeAddress(environment)).toEqual(address);
    expect(parseProbeAddress({ PORT: "80", METRICS_PORT: "" }).port).toBe(80);
  });

  test("has the defaults of serve, and requires no key", () => {
    expect(parseProbeAddress({ PORT: "" })).toEqual({
      host: "::",
      port: 5000,
      isHttps: false,
    });
  });

  test("ignores mistakes elsewhere", () => {
    expect(parseProbeAddress({ DATABASE_URL: "x:", API_KEY: "x" }).port).toBe(5000);
  });

  test("names every problem with its own variables", () => {
    expect(() => parseProbeAddress({ HOST: "a b", PORT: "x" })).toThrow(
      /^HOST is "a b"; it must be .+\nPORT is "x"; it must be /,
    );
  });
});
