import type { LambdaEvent } from "hono/aws-lambda";

/** A request as API Gateway's HTTP APIs and function URLs hand it on, in payload format 2.0. */
export type HttpEvent = Extract<LambdaEvent, { rawPath: string }>;

/** The stage whose name is no part of a path, and the only one of a function URL. */
const DEFAULT_STAGE = "$default";

export function isHttpEvent(event: unknown): event is HttpEvent {
  const { rawPath, requestContext } = (event ?? {}) as Partial<HttpEvent>;
  return typeof rawPath === "string" && typeof requestContext?.http?.method === "string";
}

/**
 * The same request in the form that Hono's adapter makes of it what a server would have made of it.
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
    // No `Request` may have one then, and the service would not look at it.
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
 * Function URLs leave a path as it was sent; HTTP APIs decode it, and then some characters would end
 * it or vanish from it as a part of a URL.
 */
function encodePath(path: string): string {
  return path.replace(/[\p{Cc} "#<>?\\]/gu, encodeURIComponent);
}

/**
 * The adapter leaves out a header that is empty, and percent-encodes what is not ASCII into what is.
 * A space alone stands for empty, and DEL for a character that no header of this service may have.
 */
function plainValue(value: string): string {
  return value === "" ? " " : value.replace(/[^\t\x20-\x7e]/gu, "\x7f");
}
