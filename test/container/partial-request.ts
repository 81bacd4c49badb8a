import { expect } from "bun:test";
import { connect } from "node:net";

/**
 * Sends the head of a request and a part of its body, and leaves it in flight.
 *
 * @returns a function that sends the rest and resolves with the whole answer.
 */
export async function beginRequest(url: string, apiKey: string): Promise<() => Promise<string>> {
  const { hostname, port } = new URL(url);
  const [first, rest] = ['{"action":"echo","data":', '"in flight"}'];
  const socket = connect({ host: hostname, port: Number(port) });
  let answer = "";
  const closed = new Promise<void>((resolve, reject) => {
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("close", () => resolve());
    socket.on("error", reject);
  });
  await new Promise<void>((resolve) => {
    const head = [
      "POST /api/v1/process HTTP/1.1",
      `Host: ${hostname}`,
      `X-API-Key: ${apiKey}`,
      "Content-Type: application/json",
      `Content-Length: ${first.length + rest.length}`,
      "Connection: close",
      "Expect: 100-continue",
    ];
    // The answer to `Expect` is the sign that the service has begun with the request.
    socket.once("data", () => resolve());
    socket.write(`${head.join("\r\n")}\r\n\r\n${first}`);
  });
  expect(answer).toStartWith("HTTP/1.1 100");
  return async () => {
    socket.write(rest);
    await closed;
    return answer;
  };
}
