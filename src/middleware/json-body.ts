import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { DomainError } from "../errors.ts";
import { isNestedDeeper } from "./json-depth.ts";

/** Deeper than any data that people have, and shallow enough for a container's memory. */
const MAX_DEPTH = 1000;

const JSON_TYPE = /^application\/([\w.-]+\+)?json\s*(;|$)/i;

/**
 * Lets a request pass that brings JSON, or what says it is, of at most `maxBytes` bytes. Hono keeps
 * the body that is read here, so the validator after it reads nothing twice.
 *
 * @throws {DomainError} `body_too_large`, `incomplete_body` when the client goes away, `no_data`
 * without a body, or `unsupported_media_type` for a body of another type.
 */
export function jsonBody(maxBytes: number): MiddlewareHandler {
  const limit = bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new DomainError("body_too_large", `A request body may have at most ${maxBytes} bytes.`);
    },
  });
  return async function jsonBody(c, next) {
    let text = "";
    const read = async () => {
      text = decodeUtf8(await c.req.arrayBuffer());
    };
    await limit(c, read).catch(rethrowIncomplete);
    requireJson(c, text);
    await next();
  };
}

/** Strictly: a byte that is no UTF-8 would be stored as something that nobody sent. */
function decodeUtf8(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DomainError("malformed_json", "The request body is not valid UTF-8.", { cause });
  }
}

function rethrowIncomplete(cause: unknown): never {
  if (cause instanceof DomainError) throw cause;
  throw new DomainError("incomplete_body", "The request body did not arrive whole.", { cause });
}

function requireJson(c: Context, text: string): void {
  if (text.trim() === "") {
    throw new DomainError("no_data", "Send a JSON object as the request body.");
  }
  if (!JSON_TYPE.test(c.req.header("Content-Type") ?? "")) {
    throw new DomainError("unsupported_media_type", "Send the body as application/json.");
  }
  if (isNestedDeeper(text, MAX_DEPTH)) {
    throw new DomainError("malformed_json", `Nest arrays and objects at most ${MAX_DEPTH} deep.`);
  }
}
