import { connect, type Socket } from "node:net";

/** How often the proxy checks whether its instances are ready. */
const PROBE_INTERVAL_MS = 100;
const PROBE_TIMEOUT_MS = 1000;

/** An answer as it arrived over a connection. */
export type RawAnswer = { status: number; headers: string; body: string; isLast: boolean };

/** An HTTP/1.1 connection that is kept alive, for one request at a time. It repeats nothing. */
export type RawConnection = {
  /** @throws {Error} if the connection ends before the answer is complete. */
  ask: (request: string) => Promise<RawAnswer>;
  /** Whether the other side has closed it. */
  ended: () => boolean;
  close: () => void;
};

/** Connects to a port, by default of this machine. @throws {Error} when nobody listens there. */
export async function openConnection(port: number, host = "127.0.0.1"): Promise<RawConnection> {
  const socket: Socket = connect({ port, host, noDelay: true });
  let received = "";
  let end: Error | undefined;
  let wake = () => {};
  const endWith = (error: Error) => {
    end ??= error;
    wake();
  };
  socket.setEncoding("latin1");
  socket.on("data", (text: string) => {
    received += text;
    wake();
  });
  socket.on("connect", () => wake());
  socket.on("error", endWith);
  socket.on("end", () => endWith(new Error("closed before the answer")));
  socket.on("close", () => endWith(new Error("closed before the answer")));
  const somethingNew = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  while (socket.connecting && !end) await somethingNew();
  if (end) throw end;
  return {
    ask: async (request) => {
      received = "";
      socket.write(request, "latin1");
      for (;;) {
        const answer = parseAnswer(received);
        if (answer) return answer;
        if (end) throw end;
        await somethingNew();
      }
    },
    ended: () => end !== undefined,
    close: () => socket.destroy(),
  };
}

/** The answer, once it is complete. Thimble sends the length of every body. */
function parseAnswer(text: string): RawAnswer | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const headers = text.slice(0, headEnd);
  const length = Number(/^content-length: (\d+)\r?$/im.exec(headers)?.[1] ?? 0);
  const body = text.slice(headEnd + 4);
  if (body.length < length) return undefined;
  return {
    status: Number(headers.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length)),
    headers,
    body,
    isLast: /^connection: close\r?$/im.test(headers),
  };
}

/** A reverse proxy on a port of this machine. */
export type ReverseProxy = {
  port: number;
  /** Sends requests to this port too, from its first 200 of `/ready` on. */
  add: (port: number) => void;
  /** Forgets a port. */
  remove: (port: number) => void;
  /** Whether requests go to this port. */
  uses: (port: number) => boolean;
  /** The errors between the proxy and its instances. */
  failures: () => readonly string[];
  close: () => void;
};

type Upstream = { port: number; ready: boolean; idle: RawConnection[] };

/**
 * A reverse proxy like those of orchestrators: it sends requests in turn to the instances whose last
 * `/ready` was a 200, over connections that it keeps alive, and stops using a connection after an
 * answer with `Connection: close`. It repeats no request: a failure is a 502, and recorded.
 */
export function startReverseProxy(): ReverseProxy {
  const upstreams: Upstream[] = [];
  const failures: string[] = [];
  let turn = 0;

  async function forward(request: Request): Promise<Response> {
    const ready = upstreams.filter((upstream) => upstream.ready);
    turn += 1;
    const upstream = ready[turn % ready.length];
    if (!upstream) return failed("no instance is ready");
    try {
      const { status, headers, body } = await askUpstream(upstream, await textOf(request));
      const type = /^content-type: (.*)$/im.exec(headers)?.[1]?.trim() ?? "";
      const isEmpty = status === 204 || status === 304;
      return new Response(isEmpty ? null : Buffer.from(body, "latin1"), {
        status,
        headers: { "Content-Type": type },
      });
    } catch (error) {
      return failed(`${upstream.port}: ${error}`);
    }
  }

  function failed(what: string): Response {
    failures.push(what);
    return new Response(what, { status: 502 });
  }

  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: forward });
  const probing = setInterval(() => {
    for (const upstream of upstreams) void probe(upstream);
  }, PROBE_INTERVAL_MS);

  return {
    port: server.port ?? 0,
    add: (port) => {
      const upstream = { port, ready: false, idle: [] };
      upstreams.push(upstream);
      void probe(upstream);
    },
    remove: (port) => {
      const index = upstreams.findIndex((upstream) => upstream.port === port);
      const [removed] = index < 0 ? [] : upstreams.splice(index, 1);
      for (const connection of removed?.idle ?? []) connection.close();
    },
    uses: (port) => upstreams.some((upstream) => upstream.port === port && upstream.ready),
    failures: () => failures,
    close: () => {
      clearInterval(probing);
      void server.stop(true);
      for (const { idle } of upstreams) for (const connection of idle) connection.close();
    },
  };
}

async function askUpstream(upstream: Upstream, request: string): Promise<RawAnswer> {
  const connection = idleConnection(upstream) ?? (await openConnection(upstream.port));
  const answer = await connection.ask(request);
  if (answer.isLast) connection.close();
  else upstream.idle.push(connection);
  return answer;
}

/** A connection that is kept alive and that the instance has not closed. */
function idleConnection({ idle }: Upstream): RawConnection | undefined {
  for (;;) {
    const connection = idle.pop();
    if (!connection?.ended()) return connection;
  }
}

async function textOf(request: Request): Promise<string> {
  const { pathname, search } = new URL(request.url);
  const headers = ["X-API-Key", "Content-Type"].flatMap((name) => {
    const value = request.headers.get(name);
    return value === null ? [] : [`${name}: ${value}`];
  });
  const body = request.body ? await request.text() : "";
  return [
    `${request.method} ${pathname}${search} HTTP/1.1`,
    "Host: thimble.test",
    ...headers,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "",
    body,
  ].join("\r\n");
}

async function probe(upstream: Upstream): Promise<void> {
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const { status } = await fetch(`http://127.0.0.1:${upstream.port}/ready`, {
      signal,
      keepalive: false,
    });
    upstream.ready = status === 200;
  } catch {
    upstream.ready = false;
  }
}

/** What a {@link startRewritingProxy} changes. */
export type Rewriting = {
  /** Answers at this path and below it, and takes it from the path that it asks for, as nginx and Traefik can. */
  prefix?: string;
  /** Compresses answers of more than 512 bytes of JSON, and changes entity tags, as Caddy from 2.9 on does. */
  encoding?: "gzip" | "zstd";
};

const COMPRESSED_FROM_BYTES = 512;

/** A proxy for one instance that changes what passes through it. */
export function startRewritingProxy(port: number, { prefix = "", encoding }: Rewriting) {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      if (!pathname.startsWith(`${prefix}/`)) return new Response("not here", { status: 404 });
      const url = `http://127.0.0.1:${port}${pathname.slice(prefix.length)}${search}`;
      const headers = new Headers(request.headers);
      const init = {
        method: request.method,
        headers,
        redirect: "manual",
        decompress: false,
      } as const;
      const accepts = headers.get("Accept-Encoding")?.includes(encoding ?? "none");
      if (!accepts || !encoding) return fetch(url, { ...init, body: request.body });
      headers.delete("Accept-Encoding");
      const known = headers.get("If-None-Match") ?? "";
      // Of the fields with tags, only this one is taken back.
      headers.set("If-None-Match", known.replace(new RegExp(`-${encoding}"$`), '"'));
      if (known === "") headers.delete("If-None-Match");
      return compressed(await fetch(url, { ...init, body: request.body }), encoding);
    },
  });
  return { port: server.port ?? 0, close: () => void server.stop(true) };
}

async function compressed(answer: Response, encoding: "gzip" | "zstd"): Promise<Response> {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const headers = new Headers(answer.headers);
  const { status } = answer;
  const isJson = headers.get("Content-Type") === "application/json";
  if (status === 304) return new Response(null, { status, headers });
  if (!isJson || bytes.byteLength <= COMPRESSED_FROM_BYTES) {
    return new Response(bytes, { status, headers });
  }
  const tag = headers.get("ETag");
  if (tag !== null) headers.set("ETag", `${tag.slice(0, -1)}-${encoding}"`);
  headers.set("Content-Encoding", encoding);
  headers.delete("Content-Length");
  const packed = encoding === "gzip" ? Bun.gzipSync(bytes) : Bun.zstdCompressSync(bytes);
  return new Response(Uint8Array.from(packed), { status, headers });
}
