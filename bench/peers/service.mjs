// What the peers in JavaScript share: parts that the frameworks do not bring.
import { createHash, randomBytes, randomUUID, timingSafeEqual } from "node:crypto";

export const PORT = Number(process.env.PORT);
export const HOST = "127.0.0.1";
export const MAX_BODY_BYTES = 1024 * 1024;

export const SECURITY_HEADERS = {
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "X-XSS-Protection": "1; mode=block",
  "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
};

const startedAt = performance.now();

export function health() {
  return {
    status: "healthy",
    timestamp: new Date().toISOString(),
    service: "thimble",
    version: "0.1.0",
    uptime_seconds: Math.round(performance.now() - startedAt) / 1000,
    environment: process.env.ENVIRONMENT,
  };
}

/** The answer to a command, or nothing if there is no such action. */
export function run(command) {
  if (command?.action !== "echo") return undefined;
  const timestamp = new Date().toISOString();
  return { success: true, action: "echo", data: command.data ?? {}, timestamp };
}

export function requestIdOf(sent) {
  return sent && /^[\x20-\x7e]{1,128}$/.test(sent) ? sent : randomUUID();
}

export function traceIdOf(traceparent) {
  const sent = /^00-([0-9a-f]{32})-/.exec(traceparent ?? "")?.[1];
  return sent ?? randomBytes(16).toString("hex");
}

const digest = (text) => createHash("sha256").update(text).digest();
const known = digest(process.env.API_KEY ?? "");

export function isKnownKey(key) {
  return key !== undefined && timingSafeEqual(digest(key), known);
}

const WINDOW_MS = 60_000;
const most = Number.parseInt(process.env.RATE_LIMIT ?? "", 10);
const windows = new Map();

/** Counts a request for its client. `isOver` says whether it is one too many. */
export function countRequest(client) {
  const now = performance.now();
  let window = windows.get(client);
  if (!window || now >= window.ends) {
    window = { hits: 0, ends: now + WINDOW_MS };
    windows.set(client, window);
  }
  window.hits += 1;
  const left = Math.max(0, most - window.hits);
  const seconds = Math.ceil((window.ends - now) / 1000);
  return {
    isOver: window.hits > most,
    policy: `"default";q=${most};w=60`,
    state: `"default";r=${left};t=${seconds}`,
  };
}

const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const histograms = new Map();

export function recordRequest({ method, route, status, seconds }) {
  const key = `${method} ${status} ${route}`;
  let histogram = histograms.get(key);
  if (!histogram) {
    histogram = { counts: new Array(BOUNDS.length + 1).fill(0), count: 0, sum: 0 };
    histograms.set(key, histogram);
  }
  const bucket = BOUNDS.findIndex((bound) => seconds <= bound);
  histogram.counts[bucket < 0 ? BOUNDS.length : bucket] += 1;
  histogram.count += 1;
  histogram.sum += seconds;
}

export function metricsText() {
  return Array.from(
    histograms,
    ([key, { count }]) => `http_requests{request="${key}"} ${count}\n`,
  ).join("");
}

/** What the access log says about a request. */
export function logFields(request) {
  return {
    request_id: request.id,
    trace_id: request.traceId,
    key_name: request.keyName,
    method: request.method,
    route: request.route,
    path: request.path,
    status: request.status,
    duration_ms: Math.round(request.seconds * 1e6) / 1000,
    bytes: request.bytes,
    client_address: request.address,
  };
}

/** Writes lines of JSON, those of one turn of the event loop together. */
export function createLog() {
  let lines = [];
  const flush = () => {
    const text = lines.join("");
    lines = [];
    process.stdout.write(text);
  };
  return (fields) => {
    if (lines.length === 0) setImmediate(flush);
    const timestamp = new Date().toISOString();
    lines.push(`${JSON.stringify({ timestamp, level: "INFO", message: "request", ...fields })}\n`);
  };
}

export function problem(status, code) {
  return { status, code };
}
