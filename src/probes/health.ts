import { OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { NO_KEY } from "../auth/openapi.ts";
import type { Database } from "../database/database.ts";
import type { DatabaseState } from "../database/lifecycle.ts";
import { NeedsRepairError } from "../errors.ts";
import { answerJson, answerText } from "../http/answer.ts";
import { jsonContent, line, writtenTime } from "../http/describe.ts";
import { headers } from "../http/described-headers.ts";
import type { AppEnv } from "../http/env.ts";
import { SERVICE } from "../identity.ts";
import { type Clock, type Elapsed, elapsed, since, timestamp, withDeadline } from "../time.ts";
import { lazySchema } from "../validation.ts";

/** Whether this instance takes new work; a draining one finishes what it has and goes. */
export type Readiness = () => "ok" | "draining";

const healthSchema = lazySchema(() =>
  z.object({
    status: z.literal("healthy"),
    timestamp: writtenTime(),
    service: line(),
    version: line().optional(),
    uptime_seconds: z.number(),
    environment: line().optional(),
  }),
);
const readySchema = lazySchema(() =>
  z.object({
    ready: z.boolean(),
    checks: z.object({
      api: z.enum(["ok", "draining"]),
      database: z.enum(["ok", "disk_full", "read_only", "unavailable", "timeout"]),
    }),
  }),
);

type HealthDeps = {
  /** What the answer calls itself. */
  service: { readonly name: string; readonly version: string };
  environment: string;
  /** Whether health names the version and the environment: it does by default. */
  details?: boolean | undefined;
  clock: Clock;
  /** How long the service has run: since these routes were made, by default. */
  uptime?: Elapsed | undefined;
  /** Always ready by default. */
  readiness?: Readiness | undefined;
  database: Pick<Database, "ping">;
  /** Whether an instance whose database has answered once stays ready without it: not by default. */
  readyWithoutDatabase?: boolean | undefined;
};

const DATABASE_TIMEOUT_MS = 1000;
const FRESH = { "Cache-Control": "no-store" };

/** Health for people, liveness (`/healthz`) and readiness (`/ready`) for orchestrators. */
export function healthRoutes(deps: HealthDeps) {
  const app = new OpenAPIHono<AppEnv>();
  const { service, environment, details = true, clock } = deps;
  const { uptime = since(elapsed), readiness = () => "ok" } = deps;
  const health = (): z.output<typeof healthSchema> => ({
    status: "healthy",
    timestamp: timestamp(clock),
    service: service.name,
    ...(details && { version: service.version }),
    uptime_seconds: Math.round(uptime()) / 1000,
    ...(details && { environment }),
  });

  const isEnough = databaseGate(deps);

  describeRoutes(app);

  return app
    .get("/health", (c) => answerJson(c, health(), 200, FRESH))
    .get("/healthz", (c) => answerText(c, "OK", FRESH))
    .get("/ready", async (c) => {
      const found = await examine(deps.database);
      const checks = { api: readiness(), database: found.state };
      const ready = isEnough(found) && checks.api === "ok";
      return answerJson(c, { ready, checks }, ready ? 200 : 503, FRESH);
    });
}

type CheckedState = DatabaseState | "unavailable" | "timeout";

/** One word for the database's state, and whether somebody has to do something before that gets better. */
type Finding = { state: CheckedState; needsRepair: boolean };

async function examine(database: Pick<Database, "ping">): Promise<Finding> {
  const found = database.ping().then(
    (state): Finding => ({ state, needsRepair: false }),
    (error: unknown): Finding => ({
      state: "unavailable",
      needsRepair: (error as Error | undefined)?.cause instanceof NeedsRepairError,
    }),
  );
  return withDeadline(found, DATABASE_TIMEOUT_MS, () => ({ state: "timeout", needsRepair: false }));
}

/** One word for the database's state, within a second. */
export async function checkDatabase(database: Pick<Database, "ping">): Promise<CheckedState> {
  return (await examine(database)).state;
}

/**
 * Whether the database answers, though perhaps only reads. An instance is then still ready: usually all of
 * them share the fault, and without a ready one even reads would fail.
 */
export function answers(state: CheckedState): boolean {
  return state !== "unavailable" && state !== "timeout";
}

/**
 * Decides whether a state of the database is enough to be ready. Until the database has answered once, it has
 * to, so that a release that cannot reach it never takes the place of one that does. Later, all instances
 * usually lose it together: without a ready one, clients would get no answer at all, also from routes that need
 * no database. One that needs repair is no use to this instance, but may be to others.
 */
function databaseGate({ readyWithoutDatabase = false }: Pick<HealthDeps, "readyWithoutDatabase">) {
  let hasAnswered = false;
  return function isEnough({ state, needsRepair }: Finding): boolean {
    hasAnswered ||= answers(state);
    return answers(state) || (readyWithoutDatabase && hasAnswered && !needsRepair);
  };
}

/** The group of the routes that are answered before all limits that depend on other clients. */
export const PROBES_TAG = "Health";

function describeRoutes(app: OpenAPIHono<AppEnv>): void {
  const registry = app.openAPIRegistry;
  const probe = { method: "get" as const, tags: [PROBES_TAG], security: NO_KEY };
  const fresh = { headers: headers("Cache-Control") };
  registry.registerPath({
    ...probe,
    path: "/health",
    operationId: "getHealth",
    summary: "Health and version",
    description: "For people. It does not look at the database.",
    responses: {
      200: {
        ...jsonContent(healthSchema, "The service runs", {
          status: "healthy",
          timestamp: "2026-11-29T12:00:00.000Z",
          service: SERVICE.name,
          version: "1.0.0",
          uptime_seconds: 86_400.25,
          environment: "production",
        }),
        ...fresh,
      },
    },
  });
  registry.registerPath({
    ...probe,
    path: "/healthz",
    operationId: "getLiveness",
    summary: "Liveness",
    description: "For orchestrators: an instance that does not answer has to be started again.",
    responses: {
      200: {
        description: "OK",
        content: { "text/plain": { schema: z.literal("OK"), example: "OK" } },
        ...fresh,
      },
    },
  });
  const answers = (example: z.output<typeof readySchema>, description: string) => ({
    ...jsonContent(readySchema, description, example),
    ...fresh,
  });
  registry.registerPath({
    ...probe,
    path: "/ready",
    operationId: "getReadiness",
    summary: "Readiness",
    description: "For orchestrators and load balancers: whether to send requests to this instance.",
    responses: {
      200: answers(
        { ready: true, checks: { api: "ok", database: "ok" } },
        "It answers requests; where not all of them, its check says why",
      ),
      503: answers(
        { ready: false, checks: { api: "draining", database: "ok" } },
        "Something does not; its check says what",
      ),
    },
  });
}
