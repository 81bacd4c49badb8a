import type { Context } from "hono";
import { WITHOUT_CONTENT } from "../answer.ts";
import type { AppEnv } from "../env.ts";

/**
 * Gives HEAD the length of the answer to GET (RFC 9110 section 8.6): Hono makes it from GET's answer by
 * removing the body, and a server that sees no body reports 0. Without content, that length is unknown.
 *
 * It gives it the time too, which Bun's server leaves out of answers to HEAD (RFC 9110 section 6.6.1,
 * https://github.com/oven-sh/bun/issues/33427).
 */
export async function giveHeadItsLength(c: Context<AppEnv>): Promise<void> {
  c.res.headers.set("Date", new Date().toUTCString());
  if (WITHOUT_CONTENT.has(c.res.status)) return;
  const { byteLength } = await c.res.clone().arrayBuffer();
  c.res.headers.set("Content-Length", String(byteLength));
}
