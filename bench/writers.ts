import { connect, requestBytes } from "./connection.ts";

/** Clients that send one request after the other until they are stopped. */
export type Writers = {
  /** How many requests were answered with 201. */
  created: () => number;
  /** Resolves when every request in flight is answered. @throws {Error} if any answer was not a 201. */
  stop: () => Promise<void>;
};

export async function startWriters(
  url: string,
  { init, clients }: { init: RequestInit; clients: number },
): Promise<Writers> {
  const request = requestBytes(url, init);
  let [created, wrong, isOver] = [0, 0, false];
  const write = async () => {
    const connection = await connect(url);
    while (!isOver && wrong === 0) {
      const status = await new Promise<number>((resolve) => connection.send(request, resolve));
      if (status === 201) created += 1;
      else wrong = status || -1;
    }
    connection.close();
  };
  const all = Array.from({ length: clients }, write);
  return {
    created: () => created,
    stop: async () => {
      isOver = true;
      await Promise.all(all);
      if (wrong !== 0) throw new Error(`a write was answered with ${wrong}, not with 201`);
    },
  };
}
