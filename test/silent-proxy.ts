import { connect, createServer, type Socket } from "node:net";

/** PostgreSQL's message ReadyForQuery, the last one of the answer to a statement. */
const READY_FOR_QUERY = Buffer.from([0x5a, 0, 0, 0, 5]);

export type SilentProxy = {
  /** The URL of the database, by way of the proxy. */
  url: string;
  /** How many connections were made to it. */
  connections: () => number;
  /** Has the present connections fall silent now. */
  silence: () => void;
  /** Ends every connection, on both sides. */
  drop: () => void;
  close: () => void;
};

/**
 * A proxy in front of PostgreSQL whose connections may fall silent: they stay open, and nothing passes any
 * more, in either direction.
 *
 * @param answersOf how many statements are answered on a connection, by its number from 1, with its start as
 *   the first of them: all by default.
 */
export async function openSilentProxy(
  url: string,
  answersOf: (connection: number) => number = () => Number.POSITIVE_INFINITY,
): Promise<SilentProxy> {
  const target = new URL(url);
  let made = 0;
  let silent = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    made += 1;
    const number = made;
    let left = answersOf(number);
    const isSilent = () => left <= 0 || number <= silent;
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("data", (chunk: Buffer) => {
        if (isSilent()) return;
        to.write(chunk);
        if (from === upstream) left -= countOf(READY_FOR_QUERY, chunk);
      });
      from.on("error", () => to.destroy());
      from.on("close", () => !isSilent() && to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const there = new URL(url);
  there.port = String((server.address() as { port: number }).port);
  const drop = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    url: there.href,
    connections: () => made,
    silence: () => {
      silent = made;
    },
    drop,
    close: () => {
      server.close();
      drop();
    },
  };
}

function countOf(part: Buffer, whole: Buffer): number {
  let count = 0;
  for (let at = whole.indexOf(part); at !== -1; at = whole.indexOf(part, at + 1)) count += 1;
  return count;
}
