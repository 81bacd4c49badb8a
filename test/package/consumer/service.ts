import { createApp, createKeyRing, createLogger, createMemoryBookStore } from "thimble";

/** The whole service, with a route of our own on top. */
export function createService({ apiKey }: { apiKey: string }) {
  const clock = Date.now;
  const app = createApp({
    config: {
      environment: "production",
      debug: false,
      maxBodyBytes: 1_048_576,
      requestTimeoutSeconds: 30,
      publicReads: true,
      corsOrigins: [],
    },
    keys: createKeyRing({ apiKey }, clock),
    store: createMemoryBookStore(clock),
    logger: createLogger({ level: "WARNING", format: "json", clock, write: console.log }),
    clock,
    newId: () => crypto.randomUUID(),
    readiness: () => "ok",
  });
  return app.get("/opening-hours", (c) => c.json({ from: 9, to: 17 }, 200));
}
