import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { Hono } from "hono";
import { handle, type LambdaContext } from "hono/aws-lambda";
import { createApp } from "../app.ts";
import { createKeyRing } from "../auth/key-ring.ts";
import { SERVICE } from "../identity.ts";
import { createStore } from "../resources/stores/create-store.ts";
import { migrateDatabase, openDatabase } from "../server/database/open-database.ts";
import { explainFailure } from "../server/failure.ts";
import { createLineWriter } from "../server/output/line-writer.ts";
import { readSecretFile } from "../server/secrets/secret-file.ts";
import { createTraceScope, SPANS_NOT_EXPORTED } from "../server/telemetry/trace-scope.ts";
import { RESOURCES } from "../service.ts";
import { createLogger } from "../telemetry/logger.ts";
import { parseLambdaConfig } from "./lambda/config.ts";
import { type HttpEvent, isHttpEvent, plainEvent } from "./lambda/event.ts";

/** Routers on the way drop a connection after some minutes; a frozen instance does not notice. */
const LONG_REST_MS = 60_000;

/** The event loop needs four turns to notice that a connection is closed. */
const TURNS_TO_CATCH_UP = 10;

const clock = Date.now;
const out = createLineWriter(1);
const { answer, refresh } = await start().catch(refuse);
let restingSince = clock();

/**
 * Answers requests of API Gateway's HTTP APIs and of function URLs.
 *
 * @throws {Error} for any other event.
 */
export async function handler(event: unknown, context: LambdaContext) {
  if (!isHttpEvent(event)) {
    throw new Error("Not a request in payload format 2.0, of an HTTP API or a function URL");
  }
  await catchUp();
  if (clock() - restingSince > LONG_REST_MS) refresh();
  try {
    return await answer(plainEvent(event), context);
  } finally {
    restingSince = clock();
  }
}

async function start() {
  const config = parseLambdaConfig(process.env, readSecretFile);
  const logger = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    clock,
    write: writeAtOnce,
  });
  const scope = createTraceScope();
  const { database } = await openDatabase(config, scope);
  await migrateDatabase(database, { logger, withSamples: config.seed ? RESOURCES : [] });
  if (config.tracing) logger.warning(SPANS_NOT_EXPORTED);
  const { environment } = config;
  if (database.kind !== "postgres") {
    logger.warning("entries last as long as this instance; set DATABASE_URL to keep them");
  }
  logger.info("started", { version: SERVICE.version, environment, database: database.kind });
  const app = createApp({
    config,
    keys: createKeyRing(config, clock),
    database,
    resources: RESOURCES,
    storeOf: (resource) => createStore(database, resource, clock),
    logger,
    clock,
    tracing: { scope },
  });
  const edge = new Hono<{ Bindings: { event: HttpEvent } }>().all("*", ({ req, env }) =>
    app.fetch(req.raw, { peerAddress: env.event.requestContext.http.sourceIp }),
  );
  return { answer: handle(edge), refresh: () => database.refresh?.() };
}

/** Lambda freezes the process after each answer, together with buffered lines. */
function writeAtOnce(line: string): void {
  out.write(line);
  out.flush();
}

/**
 * Before a request is handled, lets the process notice what happened while it was frozen: expired
 * timers, and connections that the database has closed.
 */
async function catchUp(): Promise<void> {
  for (let turn = 0; turn < TURNS_TO_CATCH_UP; turn += 1) await setImmediate();
}

/** Ends the instance with one line that says what to correct; for a defect, Lambda logs the stack. */
function refuse(error: unknown): never {
  const failure = explainFailure(error);
  if (!failure) throw error;
  const { exitCode, message, ...details } = failure;
  const logger = createLogger({ level: "ERROR", format: "json", clock, write: writeAtOnce });
  logger.error(message, details);
  process.exit(exitCode);
}
