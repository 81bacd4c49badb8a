import { afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { pem, putCertificate, replaceFile, tlsVariables } from "../../test/certificate.ts";
import { eventually, newDirectory } from "../../test/service.ts";
import { ConfigError } from "../config/config.ts";
import { createLogger } from "../telemetry/logger.ts";
import type { TlsPair } from "./runtime.ts";
import { openTls } from "./tls.ts";

const SETTLE_MS = 10;

let opened: Awaited<ReturnType<typeof openTls>> | undefined;

afterEach(() => {
  opened?.close();
  opened = undefined;
});

function openLog() {
  const lines: { level: string; message: string }[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  const logger = createLogger({ level: "INFO", format: "json", clock: () => 0, write });
  const logged = (message: string) =>
    eventually(message, () => lines.find((line) => line.message === message));
  return { lines, logger, logged };
}

function filesIn(directory: string) {
  const { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile } = tlsVariables(directory);
  return { certFile, keyFile };
}

/** Reads the pair in a directory. */
async function readPair(directory: string, { logger } = openLog()): Promise<TlsPair> {
  const tls = await openTls({ files: filesIn(directory), logger });
  tls.close();
  return tls.pair;
}

/** A server that records the certificates that it receives. */
function openServer() {
  const pairs: TlsPair[] = [];
  return { pairs, setTls: (pair: TlsPair) => void pairs.push(pair) };
}

describe("a certificate and its key", () => {
  for (const [what, ...options] of [
    ["RSA of 2048 bits", "rsa:2048"],
    ["EC on P-384", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    ["Ed25519", "ed25519"],
  ]) {
    test(`may be of the type ${what}`, async () => {
      const { certFile, keyFile } = filesIn(newDirectory());
      const out = ["-keyout", keyFile, "-out", certFile, "-subj", "/CN=new"];
      const command = ["openssl", "req", "-x509", "-nodes", "-newkey", ...options, ...out];
      expect(Bun.spawnSync(command, { stderr: "ignore" }).exitCode).toBe(0);
      expect(await readPair(dirname(certFile))).toMatchObject({
        cert: expect.stringContaining("BEGIN CERTIFICATE"),
      });
    });
  }

  test("are read unchanged", async () => {
    const directory = newDirectory();
    putCertificate(directory, "first");
    const log = openLog();
    const pair = { cert: pem("first.crt"), key: pem("first.key") };
    expect(await readPair(directory, log)).toEqual(pair);
    expect(log.lines).toEqual([]);
  });

  test("may be followed by others that chain them to a root", async () => {
    const directory = newDirectory();
    putCertificate(directory, "first");
    const chain = `${pem("first.crt")}\nissued by\n${pem("second.crt")}`;
    writeFileSync(filesIn(directory).certFile, chain);
    expect((await readPair(directory)).cert).toBe(chain);
  });

  test("that have expired cause a warning", async () => {
    const directory = newDirectory();
    putCertificate(directory, "expired");
    const log = openLog();
    await readPair(directory, log);
    expect(log.lines).toMatchObject([
      {
        level: "WARNING",
        message: "the certificate has expired",
        valid_to: "2020-02-01T00:00:00.000Z",
      },
    ]);
  });

  const broken = pem("first.crt").replace(/\n\w{8}/, "\nAAAAAAAA");
  for (const [what, cert, key, problems] of [
    [
      "neither file",
      undefined,
      undefined,
      [
        "TLS_CERT_FILE names a file that cannot be read: ENOENT",
        "TLS_KEY_FILE names a file that cannot be read: ENOENT",
      ],
    ],
    [
      "texts that are no PEM",
      "hunter2",
      "",
      [
        "TLS_CERT_FILE names a file that is not a certificate in PEM",
        "TLS_KEY_FILE names a file that is not a private key in PEM",
      ],
    ],
    [
      "a certificate whose bytes are damaged",
      broken,
      pem("first.key"),
      ["TLS_CERT_FILE names a file that is not a certificate in PEM"],
    ],
    [
      "a chain whose last certificate is damaged",
      pem("first.crt") + broken,
      pem("first.key"),
      ["TLS_CERT_FILE names a file that is not a certificate in PEM"],
    ],
    [
      "swapped",
      pem("first.key"),
      pem("first.crt"),
      [
        "TLS_CERT_FILE names a file that is not a certificate in PEM",
        "TLS_KEY_FILE names a file that is not a private key in PEM",
      ],
    ],
    [
      "the key of another certificate",
      pem("first.crt"),
      pem("second.key"),
      ["TLS_KEY_FILE names a key that does not match the certificate of TLS_CERT_FILE"],
    ],
    [
      "a key with a passphrase",
      pem("expired.crt"),
      pem("encrypted.key"),
      ["TLS_KEY_FILE names a key with a passphrase; use a key without one"],
    ],
    [
      "too weak",
      pem("weak.crt"),
      pem("weak.key"),
      [
        "TLS_KEY_FILE names a key that is too weak: RSA of 512 bits; use RSA of at least 2048 bits, EC of at least 256, or Ed25519",
      ],
    ],
    [
      "a pair that makes no handshake",
      pem("unusable.crt"),
      pem("unusable.key"),
      [
        "TLS_CERT_FILE and TLS_KEY_FILE name a pair that makes no TLS handshake: ERR_SSL_KEY_USAGE_BIT_INCORRECT; use a certificate for servers, with an RSA, EC or Ed25519 key",
      ],
    ],
  ] as const) {
    test(`cannot be ${what}`, async () => {
      const directory = newDirectory();
      const files = filesIn(directory);
      if (cert !== undefined) writeFileSync(files.certFile, cert);
      if (key !== undefined) writeFileSync(files.keyFile, key);
      const error = await readPair(directory).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ConfigError);
      expect(error).toMatchObject({ problems });
    });
  }
});

describe("a certificate whose files change", () => {
  /** A certificate in use, and its directory. */
  async function openFirst() {
    const directory = newDirectory();
    putCertificate(directory, "first");
    const log = openLog();
    const files = filesIn(directory);
    opened = await openTls({ files, logger: log.logger, settleMs: SETTLE_MS });
    return { directory, tls: opened, ...log };
  }

  test("is passed to the server", async () => {
    const { directory, tls, lines, logged } = await openFirst();
    const server = openServer();
    tls.follow(server);
    putCertificate(directory, "second");
    expect(await logged("certificate changed")).toMatchObject({
      level: "INFO",
      subject: "CN=second",
      valid_to: expect.stringMatching(/^21\d\d-/),
    });
    expect(server.pairs).toEqual([{ cert: pem("second.crt"), key: pem("second.key") }]);
    expect(lines).toHaveLength(1);
  });

  test("but whose content does not is not passed again on a reload", async () => {
    const { directory, tls, lines, logged } = await openFirst();
    const server = openServer();
    tls.follow(server);
    await tls.reload();
    expect({ pairs: server.pairs, lines }).toEqual({ pairs: [], lines: [] });
    putCertificate(directory, "second");
    await logged("certificate changed");
    await tls.reload();
    expect(server.pairs).toHaveLength(1);
    expect(lines).toHaveLength(1);
  });

  test("while there is no server yet, is passed to it later", async () => {
    const { directory, tls, logged } = await openFirst();
    putCertificate(directory, "second");
    await Bun.sleep(10 * SETTLE_MS);
    const server = openServer();
    tls.follow(server);
    await logged("certificate changed");
    expect(server.pairs).toHaveLength(1);
  });

  test("stays in use if the new one cannot be used, until one can", async () => {
    const { directory, tls, logged } = await openFirst();
    const server = openServer();
    tls.follow(server);
    replaceFile(filesIn(directory).keyFile, pem("second.key"));
    expect(await logged("the new certificate cannot be used; the last one stays")).toMatchObject({
      level: "ERROR",
      problems: [expect.stringContaining("TLS_KEY_FILE")],
    });
    expect(server.pairs).toEqual([]);
    putCertificate(directory, "second");
    await logged("certificate changed");
    expect(server.pairs).toHaveLength(1);
  });

  for (const [name, says] of [
    ["weak", "too weak"],
    ["unusable", "makes no TLS handshake"],
  ] as const) {
    test(`stays in use if the new one is ${name}, until one can be used`, async () => {
      const { directory, tls, logged } = await openFirst();
      const server = openServer();
      tls.follow(server);
      putCertificate(directory, name);
      expect(await logged("the new certificate cannot be used; the last one stays")).toMatchObject({
        level: "ERROR",
        problems: [expect.stringContaining(says)],
      });
      expect(server.pairs).toEqual([]);
      putCertificate(directory, "second");
      await logged("certificate changed");
      expect(server.pairs).toEqual([{ cert: pem("second.crt"), key: pem("second.key") }]);
    });
  }

  test("stays in use if the runtime refuses the new one", async () => {
    const { directory, tls, logged } = await openFirst();
    tls.follow({
      setTls: () => {
        throw new Error("key too small");
      },
    });
    putCertificate(directory, "second");
    expect(await logged("the new certificate cannot be used; the last one stays")).toMatchObject({
      error: "Error: key too small",
    });
  });

  test("causes a warning if the runtime cannot change it", async () => {
    const { directory, tls, logged } = await openFirst();
    tls.follow({});
    putCertificate(directory, "second");
    const message = "the certificate changed; this runtime serves it after a restart";
    expect(await logged(message)).toMatchObject({ level: "WARNING" });
  });
});
