import {
  createApp,
  createKeyRing,
  createLogger,
  createMemoryDatabase,
  createStore,
  RESOURCES,
} from "thimble";

/** The whole service, with a route of our own on top. */
export function createService({ apiKey }: { apiKey: string }) {
  const clock = Date.now;
  const database = createMemoryDatabase();
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
    database,
    resources: RESOURCES,
    storeOf: (resource) => createStore(database, resource),
    logger: createLogger({ level: "WARNING", format: "json", clock, write: console.log }),
    clock,
    newId: () => crypto.randomUUID(),
    readiness: () => "ok",
  });
  return app.get("/opening-hours", (c) => c.json({ from: 9, to: 17 }, 200));
}
