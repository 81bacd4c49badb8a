import process from "node:process";
import { handle } from "hono/aws-lambda";
import { createApp } from "../app.ts";
import { parseConfig } from "../config.ts";
import { createLogger } from "../logger.ts";
import { createLineWriter } from "./line-writer.ts";
import { readSecretFile } from "./secret-file.ts";
import { openStore, prepareStore } from "./stores.ts";

/** The one directory of a function that can be written. It lasts as long as the instance does. */
const DATA_DIR = "/tmp";

const clock = Date.now;
const out = createLineWriter(1);
const config = parseConfig({ DATA_DIR, ...process.env }, readSecretFile);
const { apiKey = crypto.randomUUID() } = config;
const logger = createLogger({
  level: config.logLevel,
  format: config.logFormat,
  clock,
  write: out.write,
});
const opened = await openStore(config, clock);
await prepareStore(opened, logger);
if (config.database.kind !== "postgres") {
  logger.warning("books last as long as this instance; set DATABASE_URL to keep them");
}

const app = createApp({
  config: { ...config, apiKey },
  store: opened.store,
  logger,
  clock,
  newId: () => crypto.randomUUID(),
  readiness: () => "ok",
});

/** Answers API Gateway's HTTP APIs and function URLs (payload format 2.0). */
export const handler = handle(app);
