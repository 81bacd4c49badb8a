import type { Context } from "hono";
import type { FinishedSpan } from "../../telemetry/tracing.ts";
import type { AppEnv, ServedRequest } from "../env.ts";
import { KNOWN_METHODS } from "../labels.ts";

/** The URL comes from the server, so it is always valid. */
const ORIGIN = /^(\w+):\/\/(\[[^\]]*\]|[^/?#:]*)(?::(\d+))?/;

/**
 * The span of an answered request. It has no query, and no header but the request id and the user agent.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server
 */
export function serverSpan(
  c: Context<AppEnv>,
  { id, trace, clientAddress, route }: ServedRequest,
  { startMs, durationMs }: { startMs: number; durationMs: number },
): FinishedSpan {
  const { method } = c.req;
  const { status } = c.res;
  const isKnown = KNOWN_METHODS.has(method);
  const [, scheme, address, port] = ORIGIN.exec(c.req.url) ?? [];
  const failed = status >= 500;
  return {
    trace,
    name: [isKnown ? method : "HTTP", route].join(" ").trim(),
    kind: "server",
    ...{ startMs, durationMs, failed },
    attributes: {
      "http.request.method": isKnown ? method : "_OTHER",
      "http.request.method_original": isKnown ? undefined : method,
      "http.route": route,
      "http.response.status_code": status,
      "error.type": failed ? String(status) : undefined,
      "url.path": c.req.path,
      "url.scheme": scheme,
      "server.address": address,
      "server.port": port === undefined ? undefined : Number(port),
      "client.address": clientAddress,
      "user_agent.original": c.req.header("User-Agent"),
      "http.request.header.x-request-id": [id],
    },
  };
}
