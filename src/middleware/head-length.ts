import type { MiddlewareHandler } from "hono";

/**
 * Tells HEAD how long the answer to GET would be (RFC 9110 section 8.6): Hono makes it from the answer
 * to GET by leaving out the body, and a server that sees none says 0.
 */
export const headLength: MiddlewareHandler = async (c, next) => {
  await next();
  if (c.req.method !== "HEAD") return;
  const { byteLength } = await c.res.clone().arrayBuffer();
  c.res.headers.set("Content-Length", String(byteLength));
};
