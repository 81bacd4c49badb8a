import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../env.ts";

const randomId = () => crypto.randomUUID();

const ACCEPTABLE = /^[\x20-\x7e]{1,128}$/;

/**
 * Gives every request an id: the caller's `X-Request-Id` if it is 1 to 128 printable ASCII characters,
 * else a new one. The answer, log lines and problems carry it.
 */
export function requestId(newId: () => string = randomId): MiddlewareHandler<AppEnv> {
  return async function requestId(c, next) {
    const given = c.req.header("X-Request-Id");
    const id = given !== undefined && ACCEPTABLE.test(given) ? given : newId();
    c.set("requestId", id);
    await next();
    c.res.headers.set("X-Request-Id", id);
  };
}
