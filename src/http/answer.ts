import type { Context, TypedResponse } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { utf8Bytes } from "../encoding.ts";
import { SECURITY_HEADERS } from "./edge/security-headers.ts";
import type { AppEnv } from "./env.ts";

type Headers = Record<string, string>;

/** Headers that many answers have: as any app takes them, and copied with the security headers by this service. */
type Prepared = { own: Headers; secured: globalThis.Headers };

const prepare = (own: Headers): Prepared => ({
  own,
  // To copy prepared headers takes a third of setting each of them.
  secured: new globalThis.Headers({ ...SECURITY_HEADERS, ...own }),
});
const NOTHING = prepare({});
const JSON_TYPE = prepare({ "Content-Type": "application/json" });

let copiesHeaders: boolean | undefined;

/**
 * Whether a response copies the headers that it is made with. That of `@hono/node-server`, which takes the
 * place of the one of Node when the server listens, keeps them, and would change the prepared ones.
 */
function doesCopyHeaders(): boolean {
  const headers = new globalThis.Headers();
  new Response(null, { headers }).headers.set("X-Copied", "1");
  return !headers.has("X-Copied");
}

/**
 * Answers with a text or bytes, and notes their length for the access log.
 *
 * The answer of the service has its headers from here alone: `c.header` has no effect on it before the handler
 * has returned. In another app, it keeps what the middleware of that app has set.
 */
export function answer(
  c: Context<AppEnv>,
  body: string | Uint8Array<ArrayBuffer>,
  status: ContentfulStatusCode,
  headers: Headers,
  prepared = NOTHING,
): Response {
  const request = c.get("request");
  if (!request) return c.body(body, status, { ...prepared.own, ...headers });
  request.bodyBytes = typeof body === "string" ? utf8Bytes(body) : body.byteLength;
  copiesHeaders ??= doesCopyHeaders();
  const { secured } = prepared;
  const own = copiesHeaders ? secured : new globalThis.Headers(secured);
  const response = new Response(body, { status, headers: own });
  for (const name in headers) response.headers.set(name, headers[name] ?? "");
  return response;
}

/** Answers with a value as JSON, of a type that typed clients know. */
export function answerJson<T, Status extends ContentfulStatusCode>(
  c: Context<AppEnv>,
  value: T,
  status: Status,
  headers: Headers = {},
) {
  const response = answerJsonText(c, JSON.stringify(value), status, headers);
  return response as Response & TypedResponse<T, Status, "json">;
}

/** Answers with a value that is JSON text already. */
export function answerJsonText(
  c: Context<AppEnv>,
  json: string,
  status: ContentfulStatusCode,
  headers: Headers,
): Response {
  return answer(c, json, status, headers, JSON_TYPE);
}

/** Answers with a line of plain text. */
export function answerText<T extends string>(c: Context<AppEnv>, text: T, headers: Headers = {}) {
  const response = answer(c, text, 200, {
    "Content-Type": "text/plain; charset=UTF-8",
    ...headers,
  });
  return response as Response & TypedResponse<T, 200, "text">;
}

/** Answers with a page. */
export function answerHtml(c: Context<AppEnv>, page: string, headers: Headers): Response {
  return answer(c, page, 200, { "Content-Type": "text/html; charset=UTF-8", ...headers });
}

/** Statuses of answers that have no content (RFC 9110 section 6.4.1). */
export const WITHOUT_CONTENT: ReadonlySet<number> = new Set([204, 304]);

/**
 * The number of bytes of body that a request is answered with; `undefined` if only the server will know.
 *
 * It does not look at the body itself: on Node and Deno, that makes a stream of it, which is sent slower.
 */
export function bodyBytes(c: Context<AppEnv>): number | undefined {
  if (c.req.method === "HEAD" || WITHOUT_CONTENT.has(c.res.status)) return 0;
  const bodyBytes = c.get("request")?.bodyBytes;
  if (bodyBytes !== undefined) return bodyBytes;
  const declared = c.res.headers.get("Content-Length");
  return declared === null ? undefined : Number(declared);
}
