import { openConnection, slowPost } from "../connection.ts";

/**
 * Begins a request and leaves it in flight.
 *
 * @returns a function that sends the rest and resolves with the whole answer, once the connection is closed.
 */
export async function beginRequest(url: string, apiKey: string): Promise<() => Promise<string>> {
  const { head, body } = slowPost(apiKey, "in flight");
  const connection = openConnection({ port: Number(new URL(url).port) });
  connection.send(head);
  // The answer to `Expect` shows that the service has begun with the request.
  await connection.answered("100 Continue");
  return async () => {
    connection.send(body);
    await connection.ended();
    return connection.received();
  };
}
