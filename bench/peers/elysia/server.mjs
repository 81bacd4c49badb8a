// The service's /health and echo in Elysia on Bun.
import { Elysia, t } from "elysia";
import {
  countRequest,
  createLog,
  HOST,
  health,
  isKnownKey,
  logFields,
  MAX_BODY_BYTES,
  metricsText,
  PORT,
  problem,
  recordRequest,
  requestIdOf,
  run,
  SECURITY_HEADERS,
  traceIdOf,
} from "../service.mjs";

const log = createLog();

new Elysia({ serve: { maxRequestBodySize: MAX_BODY_BYTES, idleTimeout: 75 } })
  .derive({ as: "global" }, ({ request, server, set, headers }) => {
    const id = requestIdOf(headers["x-request-id"]);
    Object.assign(set.headers, SECURITY_HEADERS);
    set.headers["X-Request-Id"] = id;
    return {
      started: performance.now(),
      id,
      traceId: traceIdOf(headers.traceparent),
      address: server?.requestIP(request)?.address,
      keyName: isKnownKey(headers["x-api-key"]) ? "default" : undefined,
    };
  })
  .onAfterResponse({ as: "global" }, (context) => {
    const { request, set, route, path, id, traceId, keyName, address, responseValue } = context;
    const { method } = request;
    const status = Number(set.status ?? 200);
    const seconds = (performance.now() - context.started) / 1000;
    recordRequest({ method, route, status, seconds });
    const bytes = JSON.stringify(responseValue ?? "").length;
    log(logFields({ id, traceId, keyName, method, route, path, status, seconds, bytes, address }));
  })
  .get("/health", ({ set }) => {
    set.headers["Cache-Control"] = "no-store";
    return health();
  })
  .post(
    "/api/v1/process",
    ({ body, status }) => run(body) ?? status(400, problem(400, "invalid_input")),
    {
      body: t.Object({ action: t.String(), data: t.Optional(t.Any()) }),
      // Before the body is read.
      parse: "json",
      transform: () => {},
      beforeHandle: ({ keyName, address, set, status }) => {
        const { isOver, policy, state } = countRequest(keyName ?? address);
        set.headers["RateLimit-Policy"] = policy;
        set.headers.RateLimit = state;
        if (isOver) return status(429, problem(429, "rate_limited"));
        if (!keyName) return status(401, problem(401, "invalid_api_key"));
      },
    },
  )
  .get("/metrics", () => metricsText())
  .listen({ port: PORT, hostname: HOST });
