// The service's /health and echo in Fastify on Node.
import Fastify, { LogController } from "fastify";
import {
  countRequest,
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

const app = Fastify({
  logger: true,
  // The hook below logs a request, with the service's fields.
  logController: new LogController({ disableRequestLogging: true }),
  bodyLimit: MAX_BODY_BYTES,
  requestTimeout: 30_000,
  genReqId: (request) => requestIdOf(request.headers["x-request-id"]),
});

app.decorateRequest("keyName", undefined);
app.decorateRequest("traceId", "");

app.addHook("onRequest", async (request, reply) => {
  request.traceId = traceIdOf(request.headers.traceparent);
  reply.headers(SECURITY_HEADERS).header("X-Request-Id", request.id);
});

app.addHook("onResponse", async (request, reply) => {
  const seconds = reply.elapsedTime / 1000;
  const { method } = request;
  const route = request.routeOptions.url ?? "other";
  recordRequest({ method, route, status: reply.statusCode, seconds });
  const { id, traceId, keyName, ip: address } = request;
  const bytes = Number(reply.getHeader("content-length"));
  const path = request.url.split("?", 1)[0];
  const { statusCode: status } = reply;
  const line = { id, traceId, keyName, method, route, path, status, seconds, bytes, address };
  request.log.info(logFields(line), "request");
});

async function limit(request, reply) {
  if (isKnownKey(request.headers["x-api-key"])) request.keyName = "default";
  const { isOver, policy, state } = countRequest(request.keyName ?? request.ip);
  reply.header("RateLimit-Policy", policy).header("RateLimit", state);
  if (isOver) return reply.code(429).send(problem(429, "rate_limited"));
  if (!request.keyName) return reply.code(401).send(problem(401, "invalid_api_key"));
}

/** With a schema, Fastify writes JSON faster. */
const text = { type: "string" };
const healthSchema = {
  response: {
    200: {
      type: "object",
      properties: {
        ...{ status: text, timestamp: text, service: text, version: text },
        uptime_seconds: { type: "number" },
        environment: text,
      },
    },
  },
};
const processSchema = {
  response: {
    200: {
      type: "object",
      properties: { success: { type: "boolean" }, action: text, data: {}, timestamp: text },
    },
  },
};

app.get("/health", { schema: healthSchema }, async (_request, reply) => {
  reply.header("Cache-Control", "no-store");
  return health();
});
app.post("/api/v1/process", { onRequest: limit, schema: processSchema }, async (request, reply) => {
  const answer = run(request.body);
  return answer ?? reply.code(400).send(problem(400, "invalid_input"));
});
app.get("/metrics", async () => metricsText());

await app.listen({ port: PORT, host: HOST });
