// The service's /health and echo in Hono on Bun, with Hono's own middleware as its documentation composes it.
import { Hono } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { bodyLimit } from "hono/body-limit";
import { getConnInfo } from "hono/bun";
import { requestId } from "hono/request-id";
import { routePath } from "hono/route";
import { secureHeaders } from "hono/secure-headers";
import { timeout } from "hono/timeout";
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
  run,
  SECURITY_HEADERS,
  traceIdOf,
} from "../service.mjs";

const log = createLog();
const app = new Hono();

app.use(requestId({ limitLength: 128 }));
// Hono's own logger writes text without these fields.
app.use(async (c, next) => {
  const started = performance.now();
  const traceId = traceIdOf(c.req.header("traceparent"));
  const { address } = getConnInfo(c).remote;
  await next();
  const seconds = (performance.now() - started) / 1000;
  const { method, path } = c.req;
  const { status } = c.res;
  const route = routePath(c, -1);
  const { requestId: id, keyName } = c.var;
  recordRequest({ method, route, status, seconds });
  const bytes = Number(c.res.headers.get("Content-Length"));
  log(logFields({ id, traceId, keyName, method, route, path, status, seconds, bytes, address }));
});
app.use(
  secureHeaders({
    contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    xFrameOptions: SECURITY_HEADERS["X-Frame-Options"],
    xXssProtection: SECURITY_HEADERS["X-XSS-Protection"],
    strictTransportSecurity: SECURITY_HEADERS["Strict-Transport-Security"],
    permissionsPolicy: { camera: [], geolocation: [], microphone: [], payment: [], usb: [] },
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
  }),
);

app.get("/health", (c) => c.json(health(), 200, { "Cache-Control": "no-store" }));
app.get("/metrics", (c) => c.text(metricsText()));

app.use(async (c, next) => {
  const isKnown = isKnownKey(c.req.header("X-API-Key"));
  const { isOver, policy, state } = countRequest(isKnown ? "key" : getConnInfo(c).remote.address);
  c.header("RateLimit-Policy", policy);
  c.header("RateLimit", state);
  if (isOver) return c.json(problem(429, "rate_limited"), 429);
  await next();
});
app.use(timeout(30_000));
app.post(
  "/api/v1/process",
  bearerAuth({
    headerName: "X-API-Key",
    prefix: "",
    verifyToken: (token, c) => {
      c.set("keyName", "default");
      return isKnownKey(token);
    },
  }),
  bodyLimit({ maxSize: MAX_BODY_BYTES }),
  async (c) => {
    const answer = run(await c.req.json());
    return answer ? c.json(answer) : c.json(problem(400, "invalid_input"), 400);
  },
);

Bun.serve({ port: PORT, hostname: HOST, fetch: app.fetch });
