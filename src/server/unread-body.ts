import { withDeadline } from "../time.ts";

/** How much of a body is still read after its request was answered, and for how long. */
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_MS = 5000;

/** Of how many requests at the same time: a server may hold up to 1 MiB for each. */
const MAX_AT_ONCE = 8;

type Limits = { maxBytes?: number; maxMs?: number; maxAtOnce?: number };

/**
 * Makes a function that reads what is left of a request's body, if anything is, before its answer is sent. A server
 * that closes a connection with bytes that nobody has read resets it, and the client may never see the
 * answer (RFC 9112 section 9.6). Whether the connection will be closed is not known here: HTTP/1.0 does it
 * without a word. If there is more of the body, or of bodies, than the limits allow, the connection is closed after
 * the answer.
 */
export function createRestReader({
  maxBytes = MAX_BYTES,
  maxMs = MAX_MS,
  maxAtOnce = MAX_AT_ONCE,
}: Limits = {}) {
  let reading = 0;

  async function isRead(body: ReadableStream<Uint8Array>): Promise<boolean> {
    if (reading >= maxAtOnce) return false;
    reading += 1;
    try {
      return await skip(body, maxBytes, maxMs);
    } finally {
      reading -= 1;
    }
  }

  async function readOrClose(body: ReadableStream<Uint8Array>, { headers }: Response) {
    if (!(await isRead(body))) headers.set("Connection", "close");
  }

  return function readRest(request: Request, response: Response): Promise<void> | undefined {
    const body = unreadBody(request, response);
    return body && readOrClose(body, response);
  };
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
