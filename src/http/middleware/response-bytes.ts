import type { Context } from "hono";
import type { AppEnv } from "../env.ts";

type Answer = (...args: never[]) => unknown;

const encoder = new TextEncoder();

/**
 * Counts the bytes of an answer's body when it is passed to `c.json`, `c.text`, `c.html` or `c.body`,
 * for {@link bodyBytes}. Later, that would need a copy of the body, and on Node a slower way to send
 * it.
 */
export function countBodyBytes(c: Context<AppEnv>): void {
  const counted = <Method>(answer: Method & Answer): Method =>
    ((content, ...rest) => {
      c.set("bodyBytes", bytesOf(content));
      return answer(...([content, ...rest] as never[]));
    }) as Answer as Method;
  c.body = counted(c.body);
  c.text = counted(c.text);
  c.html = counted(c.html);
  // The library's own function makes the text where its length is not visible.
  c.json = ((value: unknown, init: undefined, headers: Record<string, string>) => {
    const type = { "Content-Type": "application/json" };
    return c.body(JSON.stringify(value), init, { ...type, ...headers });
  }) as Answer as typeof c.json;
}

/** The number of bytes of an answer's body; `undefined` if only the server will know. */
export function bodyBytes(c: Context<AppEnv>): number | undefined {
  if (c.req.method === "HEAD") return 0;
  const { bodyBytes } = c.var;
  if (bodyBytes !== undefined) return bodyBytes;
  const declared = c.res.headers.get("Content-Length");
  return declared === null ? undefined : Number(declared);
}

/** `undefined` for a stream. */
function bytesOf(content: unknown): number | undefined {
  if (content === null || content === undefined) return 0;
  // A page that is already escaped is an object.
  if (typeof content === "string" || content instanceof String) {
    return encoder.encode(String(content)).byteLength;
  }
  const isBuffer = content instanceof ArrayBuffer || ArrayBuffer.isView(content);
  return isBuffer ? content.byteLength : undefined;
}
