/** One connection that sends one request after the other, as cheaply as possible. */
export type Connection = {
  /** Calls back with the status of the whole answer, or 0 if the connection breaks. */
  send: (request: Uint8Array, onAnswer: (status: number) => void) => void;
  close: () => void;
};

/** Enough of HTTP/1.1 for answers with a Content-Length. */
const HEAD_END = "\r\n\r\n";
const LENGTH = /\r\ncontent-length: *(\d+)/i;

/** Opens a connection to a server on this machine. */
export async function connect(url: string): Promise<Connection> {
  const { hostname, port } = new URL(url);
  let onAnswer: ((status: number) => void) | undefined;
  let received = "";

  function finish(status: number): void {
    const answered = onAnswer;
    onAnswer = undefined;
    received = "";
    answered?.(status);
  }

  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data: (_socket, chunk) => {
        received += chunk.toString("latin1");
        const status = statusOfWhole(received);
        if (status !== undefined) finish(status);
      },
      close: () => finish(0),
      error: () => finish(0),
    },
  });
  socket.setNoDelay(true);
  return {
    send: (request, callback) => {
      onAnswer = callback;
      socket.write(request);
    },
    close: () => void socket.end(),
  };
}

/** The status of an answer that has come as a whole. @throws {Error} for one without a Content-Length. */
export function statusOfWhole(received: string): number | undefined {
  const end = received.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const length = LENGTH.exec(received)?.[1];
  if (length === undefined) throw new Error(`an answer has no Content-Length:\n${received}`);
  const isWhole = received.length >= end + HEAD_END.length + Number(length);
  return isWhole ? Number(received.slice(9, 12)) : undefined;
}

/** The bytes of a request, written once for all times it is sent. */
export function requestBytes(url: string, init: RequestInit = {}): Uint8Array {
  const { pathname, search, host } = new URL(url);
  const body = init.body === undefined ? "" : String(init.body);
  const headers = Object.entries({
    Host: host,
    ...((init.headers ?? {}) as Record<string, string>),
    ...(body && { "Content-Length": String(Buffer.byteLength(body)) }),
  });
  const head = [
    `${init.method ?? "GET"} ${pathname}${search} HTTP/1.1`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.from(head.join("\r\n") + HEAD_END + body);
}
