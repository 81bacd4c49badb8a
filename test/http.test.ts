import { setDefaultTimeout } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApp } from "../src/app.ts";
import { createKeyRing } from "../src/auth/key-ring.ts";
import { parseConfig } from "../src/config/config.ts";
import { createStore } from "../src/resources/stores/create-store.ts";
import { openDatabase } from "../src/server/database/open-database.ts";
import { createLogger } from "../src/telemetry/logger.ts";
import { CONTRACT_VARIABLES } from "./contract/api.ts";
import { RESOURCES } from "./example/service.ts";
import { httpContract } from "./http.contract.ts";
import { freshDatabase } from "./postgres.ts";
import { UNLIMITED } from "./service.ts";

const API_KEY = "0123456789abcdef";

// On a busy machine, PostgreSQL starts slowly.
setDefaultTimeout(60_000);

/** The app in this process on the database that a URL names. */
async function openTarget(databaseUrl: string, release: () => Promise<void> | void = () => {}) {
  const environment = {
    API_KEY,
    DATABASE_URL: databaseUrl,
    ...UNLIMITED,
    ...CONTRACT_VARIABLES,
  };
  const config = parseConfig(environment, () => "");
  const { database } = await openDatabase(config);
  await database.migrate();
  const app = createApp({
    config,
    keys: createKeyRing(config, Date.now),
    database,
    resources: RESOURCES,
    storeOf: (resource) => createStore(database, resource),
    logger: createLogger({ level: "ERROR", format: "text", clock: Date.now, write: console.error }),
    clock: Date.now,
  });
  return {
    baseUrl: "http://thimble.test",
    apiKey: API_KEY,
    fetch: async (url: string, init?: RequestInit) => app.fetch(new Request(url, init)),
    close: async () => {
      await database.close();
      await release();
    },
  };
}

httpContract("app.request, memory", () => openTarget("memory:"));

httpContract("app.request, SQLite", async () => {
  const directory = mkdtempSync(join(tmpdir(), "thimble-http-"));
  return openTarget(`sqlite:${directory}/books.db`, () => rmSync(directory, { recursive: true }));
});

httpContract("app.request, PostgreSQL", async () => {
  const { url, drop } = await freshDatabase();
  return openTarget(url, drop);
});
