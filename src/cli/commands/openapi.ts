import { createApp } from "../../app.ts";
import { createKeyRing } from "../../auth/key-ring.ts";
import { createMemoryDatabase } from "../../database/memory.ts";
import { openApiDocument } from "../../pages/openapi.ts";
import { createStore } from "../../resources/stores/create-store.ts";
import { EXIT } from "../../server/failure.ts";
import type { Runtime } from "../../server/runtime.ts";
import { RESOURCES } from "../../service.ts";
import { createLogger } from "../../telemetry/logger.ts";

/** `thimble openapi`: prints the document of an app that never receives a request. */
export function printOpenApi(_args: readonly string[], { stdout }: Runtime): number {
  const clock = Date.now;
  const database = createMemoryDatabase();
  const app = createApp({
    config: {
      environment: "production",
      debug: false,
      maxBodyBytes: 0,
      requestTimeoutSeconds: 1,
      publicReads: true,
      corsOrigins: [],
    },
    keys: createKeyRing({}, clock),
    database,
    resources: RESOURCES,
    storeOf: (resource) => createStore(database, resource, clock),
    logger: createLogger({ level: "ERROR", format: "json", clock, write: stdout }),
    clock,
  });
  stdout(JSON.stringify(openApiDocument(app, RESOURCES), null, 2));
  return EXIT.ok;
}
