import type { MiddlewareHandler } from "hono";
import { DomainError } from "../../errors.ts";

/** `: ` and the end of the line, around every header. */
const BYTES_AROUND_HEADER = 4;

type RequestSizeOptions = {
  /** The most bytes of path and query; by default, only the server limits them. */
  maxUrlBytes?: number | undefined;
  /** The most bytes of all header lines; by default, only the server limits them. */
  maxHeaderBytes?: number | undefined;
};

/**
 * Lets only requests pass whose URL and headers are within the limits.
 *
 * @throws {DomainError} `uri_too_long` or `headers_too_large`
 */
export function limitRequestSize({
  maxUrlBytes = Number.POSITIVE_INFINITY,
  maxHeaderBytes = Number.POSITIVE_INFINITY,
}: RequestSizeOptions): MiddlewareHandler {
  return function limitRequestSize(c, next) {
    if (urlBytes(c.req.url) > maxUrlBytes) {
      const detail = `Path and query may have at most ${maxUrlBytes} bytes.`;
      throw new DomainError("uri_too_long", detail);
    }
    if (headerBytes(c.req.raw.headers) > maxHeaderBytes) {
      const detail = `The headers of a request may have at most ${maxHeaderBytes} bytes.`;
      throw new DomainError("headers_too_large", detail);
    }
    return next();
  };
}

/** A parsed URL is ASCII; other characters are percent-encoded. */
function urlBytes(url: string): number {
  const path = url.indexOf("/", url.indexOf("://") + 3);
  return path === -1 ? 0 : url.length - path;
}

/** A header's value has one character per byte. Lines with one name count as one joined line. */
function headerBytes(headers: Headers): number {
  let bytes = 0;
  headers.forEach((value, name) => {
    bytes += name.length + value.length + BYTES_AROUND_HEADER;
  });
  return bytes;
}
