import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AppEnv } from "./env.ts";

const encoder = new TextEncoder();

type Headers = Record<string, string>;

/** Answers with a text or bytes, and notes the length for the access log. */
export function answer(
  c: Context<AppEnv>,
  body: string | Uint8Array<ArrayBuffer>,
  status: ContentfulStatusCode,
  headers: Headers,
): Response {
  const { byteLength } = typeof body === "string" ? encoder.encode(body) : body;
  c.set("bodyBytes", byteLength);
  return c.body(body, status, headers);
}

/** Answers with a value as JSON. */
export function answerJson(
  c: Context<AppEnv>,
  value: unknown,
  status: ContentfulStatusCode = 200,
  headers: Headers = {},
): Response {
  return answer(c, JSON.stringify(value), status, {
    "Content-Type": "application/json",
    ...headers,
  });
}
