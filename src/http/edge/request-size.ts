import { DomainError } from "../../errors.ts";
import type { Check } from "./step.ts";

/** `: ` and the end of the line, around every header. */
const BYTES_AROUND_HEADER = 4;

type RequestSizeOptions = {
  /** The most bytes of path and query; by default, only the server limits them. */
  maxUrlBytes?: number | undefined;
  /** The most bytes of all header lines; by default, only the server limits them. */
  maxHeaderBytes?: number | undefined;
};

/** Refuses a request whose URL or headers are not within the limits. */
export function limitRequestSize({
  maxUrlBytes = Number.POSITIVE_INFINITY,
  maxHeaderBytes = Number.POSITIVE_INFINITY,
}: RequestSizeOptions): Check {
  return function limitRequestSize({ url, headers }) {
    if (url.length > maxUrlBytes && urlBytes(url) > maxUrlBytes) {
      const detail = `Path and query may have at most ${maxUrlBytes} bytes.`;
      return new DomainError("uri_too_long", detail);
    }
    if (headerBytes(headers) > maxHeaderBytes) {
      const detail = `The headers of a request may have at most ${maxHeaderBytes} bytes.`;
      return new DomainError("headers_too_large", detail);
    }
    return undefined;
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
