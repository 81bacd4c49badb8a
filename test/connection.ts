import { connect, type Socket } from "node:net";
import { API_KEY, eventually, type Service } from "./service.ts";

/** A request in two parts: the service answers its head with `100 Continue`, and waits for the body. */
export function slowPost(apiKey: string, data: string) {
  const body = JSON.stringify({ action: "echo", data });
  const head = [
    "POST /api/v1/process HTTP/1.1",
    "Host: thimble.test",
    `X-API-Key: ${apiKey}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "Expect: 100-continue",
    "",
    "",
  ].join("\r\n");
  return { head, body };
}

export const SLOW_POST = slowPost(API_KEY, "late");

/** A raw connection, with the received text and whether the other side has closed it. */
export function openConnection({ port }: Pick<Service, "port">) {
  const socket: Socket = connect(port, "127.0.0.1");
  const connection = { socket, received: "", closed: false };
  socket.setEncoding("latin1");
  socket.on("data", (text) => {
    connection.received += text;
  });
  // The service may also end a connection with a reset.
  socket.on("error", () => {});
  socket.on("close", () => {
    connection.closed = true;
  });
  return {
    send: (text: string) => void socket.write(text, "latin1"),
    /** Resolves when the other side has taken all of the text, or has closed the connection. */
    sent: (text: string) =>
      new Promise<void>((resolve) => void socket.write(text, "latin1", () => resolve())),
    received: () => connection.received,
    closed: () => connection.closed,
    close: () => socket.destroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    ended: () => eventually("the end of the connection", () => connection.closed || undefined),
    /** Resolves when an answer with this text has arrived. */
    answered: (text: string) =>
      eventually(`an answer with ${text}`, () => connection.received.includes(text) || undefined),
    /** Resolves when the service has answered or closed the connection. */
    settled: () =>
      eventually("an answer or an end", () =>
        connection.received !== "" || connection.closed ? true : undefined,
      ),
  };
}
