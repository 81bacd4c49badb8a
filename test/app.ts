import {
  type AppConfig,
  type AppDeps,
  type AppMetrics,
  createApp,
  createProbesApp,
} from "../src/app.ts";
import { createKeyRing, type KeySource } from "../src/auth/key-ring.ts";
import { books } from "../src/books.ts";
import { createMemoryDatabase } from "../src/database/memory.ts";
import type { Connection } from "../src/http/env.ts";
import type { Readiness } from "../src/probes/health.ts";
import type { Resource } from "../src/resources/resource.ts";
import type { Store } from "../src/resources/store.ts";
import { createStore } from "../src/resources/stores/create-store.ts";
import { createLogger, type LogLevel } from "../src/telemetry/logger.ts";
import type { Tracing } from "../src/telemetry/tracing.ts";
import type { Clock, Elapsed } from "../src/time.ts";
import { RESOURCES } from "./example/service.ts";

export const API_KEY = "0123456789abcdef";

type LogLine = Record<string, unknown> & { level: string; message: string };

type Options = {
  config?: Partial<AppConfig>;
  /** By default the only key is `API_KEY`. */
  keys?: KeySource;
  clock?: Clock;
  elapsed?: Elapsed;
  readiness?: Readiness;
  /** Differences from the store in memory, such as a method that fails. */
  store?: Partial<Store>;
  /** Whether the database answers a ping: it does by default. */
  ping?: AppDeps["database"]["ping"];
  tracing?: Tracing | undefined;
  metrics?: AppMetrics;
  probesElsewhere?: boolean;
  /** The lowest level that `log` holds: INFO by default. */
  logLevel?: LogLevel;
};

/** The app in this process, on a store in memory with one book, and its log. */
export function openApp(options: Options = {}) {
  const { deps, log } = makeDeps(options);
  const app = createApp(deps);
  return { app, log, request: requester(app.fetch) };
}

/** The app of the port for health and metrics, opened like {@link openApp}. */
export function openProbesApp(options: Options = {}) {
  const { deps, log } = makeDeps(options);
  return { log, request: requester(createProbesApp(deps).fetch) };
}

function makeDeps(options: Options) {
  const {
    config,
    keys = { apiKey: API_KEY },
    store,
    ping = async () => "ok",
    clock = Date.now,
    logLevel,
    ...rest
  } = options;
  const log: LogLine[] = [];
  const database = createMemoryDatabase();
  const storeOf = (resource: Resource) => createStore(database, resource, clock);
  void storeOf(books).addSamples([{ title: "Emma", author: "Jane Austen", year: 1815 }]);
  const deps: AppDeps<typeof RESOURCES> = {
    config: {
      environment: "test",
      debug: false,
      maxBodyBytes: 1_048_576,
      requestTimeoutSeconds: 30,
      publicReads: true,
      corsOrigins: [],
      ...config,
    },
    keys: createKeyRing(keys, clock),
    database: { ...database, ping },
    resources: RESOURCES,
    storeOf: (resource) => ({ ...storeOf(resource), ...store }),
    logger: createLogger({
      level: logLevel ?? "INFO",
      format: "json",
      clock,
      write: (line) => log.push(JSON.parse(line)),
    }),
    clock,
    ...rest,
  };
  return { deps, log };
}

type Fetch = (request: Request, connection: Connection) => Response | Promise<Response>;

function requester(fetch: Fetch) {
  return async (path: string, init?: RequestInit, connection: Connection = {}) =>
    fetch(new Request(new URL(path, "http://thimble.test"), init), connection);
}
