import type { MiddlewareHandler } from "hono";

/** Of what has no content, the length of what GET would bring is nothing that is known here. */
const WITHOUT_CONTENT = new Set([204, 304]);

/**
 * Tells HEAD how long the answer to GET would be (RFC 9110 section 8.6): Hono makes it from the answer
 * to GET by leaving out the body, and a server that sees none says 0.
 */
export const headLength: MiddlewareHandler = async (c, next) => {
  await next();
  if (c.req.method !== "HEAD" || WITHOUT_CONTENT.has(c.res.status)) return;
  const { byteLength } = await c.res.clone().arrayBuffer();
  c.res.headers.set("Content-Length", String(byteLength));
};
