import { type AppConfig, createApp } from "../src/app.ts";
import { createMemoryBookStore } from "../src/books/memory-store.ts";
import type { BookStore } from "../src/books/store.ts";
import type { Clock } from "../src/clock.ts";
import type { Readiness } from "../src/health/routes.ts";
import { createLogger } from "../src/logger.ts";
import type { Tracing } from "../src/trace/tracing.ts";

export const API_KEY = "0123456789abcdef";

type LogLine = Record<string, unknown> & { level: string; message: string };

type Options = {
  config?: Partial<AppConfig>;
  clock?: Clock;
  readiness?: Readiness;
  /** What differs from the store in memory, such as a method that fails. */
  store?: Partial<BookStore>;
  tracing?: Tracing | undefined;
};

/** The app in this process, on a store in memory that holds one book, with its log to be read. */
export function openApp({
  config,
  clock = Date.now,
  readiness = () => "ok",
  store,
  tracing,
}: Options = {}) {
  const log: LogLine[] = [];
  const seed = [{ title: "Emma", author: "Jane Austen", year: 1815 }];
  const app = createApp({
    config: {
      environment: "test",
      apiKey: API_KEY,
      debug: false,
      maxBodyBytes: 1_048_576,
      requestTimeoutSeconds: 30,
      publicReads: true,
      corsOrigins: [],
      ...config,
    },
    store: { ...createMemoryBookStore(clock, seed), ...store },
    logger: createLogger({
      level: "DEBUG",
      format: "json",
      clock,
      write: (line) => log.push(JSON.parse(line)),
    }),
    clock,
    newId: () => crypto.randomUUID(),
    readiness,
    tracing,
  });
  const request = async (path: string, init?: RequestInit) =>
    app.fetch(new Request(new URL(path, "http://thimble.test"), init));
  return { app, log, request };
}
