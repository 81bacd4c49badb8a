import { describe, expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { ConfigError } from "../../config/config.ts";
import { parseLambdaConfig } from "./config.ts";

const API_KEY = "0123456789abcdef";

const parse = (environment: Record<string, string>) =>
  parseLambdaConfig(environment, () => API_KEY);

describe("a function's configuration", () => {
  test("keeps books where it may write, and one connection, by default", () => {
    expect(parse({ API_KEY, DATA_DIR: "", DATABASE_POOL_SIZE: " " })).toMatchObject({
      database: { kind: "sqlite", path: `${tmpdir()}/thimble.db` },
      databasePoolSize: 1,
    });
    expect(parse({ API_KEY, DATA_DIR: "/mnt/books", DATABASE_POOL_SIZE: "3" })).toMatchObject({
      database: { kind: "sqlite", path: "/mnt/books/thimble.db" },
      databasePoolSize: 3,
    });
  });

  test("reads its key from a file", () => {
    expect(parse({ API_KEY_FILE: "/var/task/key" }).apiKey).toBe(API_KEY);
  });

  test("accepts keys with scopes instead", () => {
    const API_KEYS = `ci process sha256:${"0a".repeat(32)}`;
    expect(parse({ API_KEYS, ENVIRONMENT: "development" }).apiKeys).toHaveLength(1);
  });

  test("needs a key in every environment", () => {
    expect(() => parse({ ENVIRONMENT: "development" })).toThrow(ConfigError);
    expect(() => parse({ ENVIRONMENT: "production" })).toThrow(ConfigError);
  });

  test("counts limits in memory, as an instance stands still between requests", () => {
    const env = { API_KEY, DATABASE_URL: "postgres://db/books", RATE_LIMIT_STORE: "database" };
    expect(() => parse(env)).toThrow("RATE_LIMIT_STORE must be memory on Lambda; ");
  });
});
