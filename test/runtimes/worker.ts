import { Miniflare, type MiniflareOptions } from "miniflare";
import type { D1Binding } from "../../src/database/d1.ts";
import wrangler from "../../wrangler.jsonc";
import { eventually, type LogLine } from "../service.ts";

type Binding = NonNullable<MiniflareOptions["workers"][number]["config"]["env"]>[string];

/** A Worker's bindings; a plain text is a variable or a secret. */
export type WorkerBindings = Record<string, string | Binding>;

export type Worker = {
  url: string;
  fetch: (path: string, init?: BunFetchRequestInit) => Promise<Response>;
  /** The lines of its log so far. */
  log: () => LogLine[];
  /** Resolves when such a line is in the log. */
  logged: (message: string) => Promise<LogLine>;
  /** All output besides its log. */
  noise: () => string[];
  /** The database that is bound as DB. */
  d1: () => Promise<D1Binding>;
  close: () => Promise<void>;
  [Symbol.asyncDispose]: () => Promise<void>;
};

/** The Worker's own D1 database, in memory. */
export const D1_BINDING: Binding = { type: "d1", id: "books" };

export function hyperdrive(connectionString: string): Binding {
  return { type: "hyperdrive", id: "books", dev: { connectionString } };
}

/** Starts a module on workerd as it would be deployed, with direct access to it. */
export async function startWorker(contents: string, bindings: WorkerBindings): Promise<Worker> {
  const lines: string[] = [];
  const env = Object.entries(bindings).map(([name, value]) => [
    name,
    typeof value === "string" ? { type: "text", value } : value,
  ]);
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    // Otherwise it would ask a server on the internet for this machine's location.
    cf: false,
    enableDevRegistry: false,
    handleStructuredLogs: ({ message }) => lines.push(message),
    workers: [
      {
        config: {
          name: wrangler.name,
          compatibilityDate: wrangler.compatibility_date,
          env: Object.fromEntries(env),
          manifest: { mainModule: "main.mjs", modules: { "main.mjs": { type: "esm", contents } } },
        },
        dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] },
      },
    ],
  });
  await miniflare.ready;
  const { origin } = await miniflare.unsafeGetDirectURL();
  const isLog = (line: string) => line.startsWith('{"timestamp"');
  const log = () => lines.filter(isLog).map((line) => JSON.parse(line) as LogLine);
  const close = () => miniflare.dispose();
  return {
    url: origin,
    fetch: (path, init) => fetch(origin + path, init),
    log,
    logged: (message) =>
      eventually(`the log says "${message}"`, () => log().find((line) => line.message === message)),
    noise: () => lines.filter((line) => !isLog(line)),
    d1: () => miniflare.getD1Database("DB"),
    close,
    [Symbol.asyncDispose]: close,
  };
}
