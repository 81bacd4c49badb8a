import type { Context } from "hono";
import type { AppEnv } from "../env.ts";

type Answer = (...args: never[]) => unknown;

const encoder = new TextEncoder();

/**
 * Counts the bytes of an answer's body, as they are handed to `c.json`, `c.text`, `c.html` or `c.body`,
 * for {@link bodyBytes}. Afterwards that would take a copy of the body, and on Node a slower way to send it.
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
  // The library's own makes the text of it where nobody can see how long it is.
  c.json = ((value: unknown, init: undefined, headers: Record<string, string>) => {
    const type = { "Content-Type": "application/json" };
    return c.body(JSON.stringify(value), init, { ...type, ...headers });
  }) as Answer as typeof c.json;
}

/** How many bytes of body a request is answered with; nothing where only the server will know. */
export function bodyBytes(c: Context<AppEnv>): number | undefined {
  if (c.req.method === "HEAD") return 0;
  const { bodyBytes } = c.var;
  if (bodyBytes !== undefined) return bodyBytes;
  const declared = c.res.headers.get("Content-Length");
  return declared === null ? undefined : Number(declared);
}

/** Nothing for what comes bit by bit. */
function bytesOf(content: unknown): number | undefined {
  if (content === null || content === undefined) return 0;
  // A page that is escaped already is an object.
  if (typeof content === "string" || content instanceof String) {
    return encoder.encode(String(content)).byteLength;
  }
  const isBuffer = content instanceof ArrayBuffer || ArrayBuffer.isView(content);
  return isBuffer ? content.byteLength : undefined;
}
