import type { LambdaEvent } from "hono/aws-lambda";

/** A request from API Gateway's HTTP APIs or a function URL, in payload format 2.0. */
export type HttpEvent = Extract<LambdaEvent, { rawPath: string }>;

/** The stage whose name is not part of the path, and the only one of a function URL. */
const DEFAULT_STAGE = "$default";

export function isHttpEvent(event: unknown): event is HttpEvent {
  const { rawPath, requestContext } = (event ?? {}) as Partial<HttpEvent>;
  return typeof rawPath === "string" && typeof requestContext?.http?.method === "string";
}

/**
 * The same request, changed so that Hono's adapter turns it into what a server would have received.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function plainEvent(event: HttpEvent): HttpEvent {
  const { method } = event.requestContext.http;
  const headers = Object.entries(event.headers ?? {}).map(
    ([name, value]) => [name, value === undefined ? value : plainValue(value)] as const,
  );
  return {
    ...event,
    rawPath: encodePath(withoutStage(event)),
    headers: Object.fromEntries(headers),
    ...(event.cookies && { cookies: event.cookies.map(plainValue) }),
    // A `Request` with this method must not have a body, and the service would ignore it.
    body: method === "GET" || method === "HEAD" ? null : event.body,
  };
}

/** `/prod/books` of the stage `prod` is `/books`. */
function withoutStage({ rawPath, requestContext: { stage } }: HttpEvent): string {
  const prefix = `/${stage}`;
  const isBelow = rawPath === prefix || rawPath.startsWith(`${prefix}/`);
  return isBelow && stage !== DEFAULT_STAGE ? rawPath.slice(prefix.length) : rawPath;
}

/**
 * Function URLs leave a path as it was sent. HTTP APIs decode it, and then some characters would end
 * the path or disappear when it becomes part of a URL.
 */
function encodePath(path: string): string {
  return path.replace(/[\p{Cc} "#<>?\\]/gu, encodeURIComponent);
}

/**
 * The adapter drops empty headers, and percent-encodes characters outside ASCII. So an empty value
 * becomes a single space, and such a character becomes DEL, which no header of this service may have.
 */
function plainValue(value: string): string {
  return value === "" ? " " : value.replace(/[^\t\x20-\x7e]/gu, "\x7f");
}
