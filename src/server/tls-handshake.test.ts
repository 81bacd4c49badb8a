import { expect, test } from "bun:test";
import { pem } from "../../test/certificate.ts";
import { tryHandshake } from "./tls-handshake.ts";

const PAIR = { cert: pem("first.crt"), key: pem("first.key") };

test("a certificate and its own key make a handshake", async () => {
  expect(await tryHandshake(PAIR)).toBeUndefined();
});

test("a key of another certificate makes none", async () => {
  await expect(tryHandshake({ ...PAIR, key: pem("second.key") })).rejects.toThrow();
});

test("a handshake that takes too long fails", async () => {
  await expect(tryHandshake(PAIR, 0)).rejects.toThrow("it did not end within 0 ms");
});
