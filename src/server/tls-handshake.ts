import type { AddressInfo } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { withDeadline } from "../time.ts";
import type { TlsPair } from "./runtime.ts";

const LOOPBACK = "127.0.0.1";
const LIMIT_MS = 5000;

/**
 * Makes one handshake with a certificate and its key, on a port of the loopback interface: only that
 * shows whether clients will be able to connect. Which names and dates the certificate has is not checked.
 *
 * @throws {Error} of the side that refused it.
 */
export async function tryHandshake(pair: TlsPair, limitMs = LIMIT_MS): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = createServer({ minVersion: "TLSv1.2", ...pair });
  let client: TLSSocket | undefined;
  server.on("error", reject).on("tlsClientError", reject);
  server.on("secureConnection", (socket) => socket.on("error", () => {}));
  server.listen(0, LOOPBACK, () => {
    const { port } = server.address() as AddressInfo;
    client = connect({ host: LOOPBACK, port, rejectUnauthorized: false }, resolve);
    client.on("error", reject);
  });
  try {
    await withDeadline(promise, limitMs, () => {
      throw new Error(`it did not end within ${limitMs} ms`);
    });
  } finally {
    client?.destroy();
    server.close();
  }
}
