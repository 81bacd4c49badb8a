import { createApp } from "../src/app.ts";
import { createMemoryBookStore } from "../src/books/memory-store.ts";
import { createLogger } from "../src/logger.ts";
import { httpContract } from "./http.contract.ts";

httpContract("memory", async () => {
  const app = createApp({
    config: {
      environment: "test",
      apiKey: "0123456789abcdef",
      debug: false,
      maxBodyBytes: 1048576,
      requestTimeoutSeconds: 30,
      publicReads: true,
      corsOrigins: ["https://app.example"],
    },
    store: createMemoryBookStore(Date.now),
    logger: createLogger({ level: "ERROR", format: "text", clock: Date.now, write: console.log }),
    clock: Date.now,
    newId: () => crypto.randomUUID(),
    readiness: () => "ok",
  });
  return {
    baseUrl: "http://thimble.test",
    apiKey: "0123456789abcdef",
    fetch: async (url, init) => app.fetch(new Request(url, init)),
  };
});
