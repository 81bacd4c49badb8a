import { createApp } from "../../app.ts";
import { createKeyRing } from "../../auth/key-ring.ts";
import { createMemoryDatabase } from "../../database/memory.ts";
import { openApiDocument } from "../../pages/openapi.ts";
import type { Resource } from "../../resources/resource.ts";
import { createStore } from "../../resources/stores/create-store.ts";
import { EXIT } from "../../server/failure.ts";
import type { Runtime } from "../../server/runtime.ts";
import { RESOURCES } from "../../service.ts";
import { createLogger } from "../../telemetry/logger.ts";

/** `thimble openapi`: prints the document. */
export function printOpenApi(_args: readonly string[], { stdout }: Runtime): number {
  stdout(JSON.stringify(documentOf(RESOURCES), null, 2));
  return EXIT.ok;
}

/** The document of an app with these resources. */
export function documentOf(resources: readonly Resource[]) {
  return openApiDocument(appOf(resources), resources);
}

/** An app with these resources that never receives a request. */
export function appOf(resources: readonly Resource[]) {
  const clock = Date.now;
  const database = createMemoryDatabase();
  return createApp({
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
    resources,
    storeOf: (resource) => createStore(database, resource, clock),
    logger: createLogger({ level: "ERROR", format: "json", clock, write: () => {} }),
    clock,
  });
}
