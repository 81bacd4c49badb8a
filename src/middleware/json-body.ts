import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { every } from "hono/combine";
import { DomainError } from "../errors.ts";
import { isNestedDeeper } from "./json-depth.ts";

/** Deeper than any data that people have, and shallow enough for a container's memory. */
const MAX_DEPTH = 1000;

const JSON_TYPE = /^application\/([\w.-]+\+)?json\s*(;|$)/i;

/**
 * Lets a request pass that brings JSON, or what says it is, of at most `maxBytes` bytes. Hono keeps
 * the body that is read here, so the validator after it reads nothing twice.
 *
 * @throws {DomainError} `body_too_large`, `no_data` without a body, or `unsupported_media_type` for a
 * body of another type.
 */
export function jsonBody(maxBytes: number): MiddlewareHandler {
  const limit = bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new DomainError("body_too_large", `A request body may have at most ${maxBytes} bytes.`);
    },
  });
  return every(limit, requireJson);
}

const requireJson: MiddlewareHandler = async (c, next) => {
  const text = await c.req.text();
  if (text.trim() === "") {
    throw new DomainError("no_data", "Send a JSON object as the request body.");
  }
  if (isNestedDeeper(text, MAX_DEPTH)) {
    throw new DomainError("malformed_json", `Nest arrays and objects at most ${MAX_DEPTH} deep.`);
  }
  if (!JSON_TYPE.test(c.req.header("Content-Type") ?? "")) {
    throw new DomainError("unsupported_media_type", "Send the body as application/json.");
  }
  await next();
};
