import { withDeadline } from "../time.ts";

/** How much of a body is still read after its request was answered, and for how long. */
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_MS = 5000;

type Limits = { maxBytes?: number; maxMs?: number };

/**
 * Reads what is left of a request's body, if anything is, before its answer is sent. A server
 * that closes a connection with bytes that nobody has read resets it, and the client may never see the
 * answer (RFC 9112 section 9.6). Whether the connection will be closed is not known here: HTTP/1.0 does it
 * without a word. If there is more of the body than the limits allow, the connection is closed after the
 * answer.
 */
export function readRest(
  request: Request,
  response: Response,
  { maxBytes = MAX_BYTES, maxMs = MAX_MS }: Limits = {},
): Promise<void> | undefined {
  const body = unreadBody(request, response);
  return (
    body &&
    skip(body, maxBytes, maxMs).then((isWhole) => {
      if (!isWhole) response.headers.set("Connection", "close");
    })
  );
}

/** A refused body may have been read in part; another has been read to its end, or not at all. */
function unreadBody(
  request: Request,
  { status }: Response,
): ReadableStream<Uint8Array> | undefined {
  if (status < 400 && request.bodyUsed) return undefined;
  const { body } = request;
  return body && !body.locked ? body : undefined;
}

/** Whether the body ended within the limits. */
async function skip(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  maxMs: number,
): Promise<boolean> {
  let isOver = false;
  const reader = body.getReader();
  async function skipAll(): Promise<boolean> {
    let bytes = 0;
    while (bytes <= maxBytes && !isOver) {
      const { done, value } = await reader.read();
      if (done) return true;
      bytes += value.byteLength;
    }
    return false;
  }
  // A client that has gone needs no answer either.
  const skipped = skipAll().catch(() => false);
  return withDeadline(skipped, maxMs, () => {
    isOver = true;
    return false;
  });
}
