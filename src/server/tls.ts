import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { ConfigError, readNamedFile } from "../config/config.ts";
import { describeError, type Logger } from "../telemetry/logger.ts";
import type { Server, TlsPair } from "./runtime.ts";
import { type FileContents, readFrom, watchSecretFiles } from "./secrets/watch.ts";
import { tryHandshake } from "./tls-handshake.ts";

/** Many clients refuse keys with fewer bits. Ed25519 has only one size. */
const MIN_BITS: Record<string, number> = { rsa: 2048, "rsa-pss": 2048, ec: 256 };

/** The paths of a certificate with its chain to a root, and of its private key, both in PEM. */
export type TlsFiles = { certFile: string; keyFile: string };

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const ENCRYPTED_KEY = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

type OpenOptions = {
  files: TlsFiles;
  logger: Logger;
  /** How long the files must stay unchanged before they are used. */
  settleMs?: number;
};

/**
 * Reads a certificate and its key, and watches their files. If the certificate is not valid now, that
 * is logged.
 *
 * @throws {ConfigError} with every problem, each naming its variable.
 */
export async function openTls({ files, logger, ...timing }: OpenOptions) {
  const server = Promise.withResolvers<Pick<Server, "setTls">>();
  let isClosed = false;
  let served: TlsPair | undefined;
  let last: Promise<void> = Promise.resolve();

  async function replace(contents: FileContents): Promise<void> {
    const { setTls } = await server.promise;
    if (isClosed) return;
    try {
      const { pair, certificate } = parsePair(files, contents);
      if (pair.cert === served?.cert && pair.key === served.key) return;
      await requireHandshake(pair);
      if (isClosed) return;
      if (!setTls) {
        logger.warning("the certificate changed; this runtime serves it after a restart");
        return;
      }
      setTls(pair);
      served = pair;
      const { subject, validToDate } = certificate;
      logger.info("certificate changed", { subject, valid_to: validToDate });
      warnOfDates(certificate, logger);
    } catch (error) {
      const why =
        error instanceof ConfigError ? { problems: error.problems } : describeError(error);
      logger.error("the new certificate cannot be used; the last one stays", why);
    }
  }

  /** One at a time, so that the last contents are also the last to be served. */
  function enqueue(contents: FileContents): Promise<void> {
    last = last.then(() => replace(contents));
    return last;
  }

  const paths = [files.certFile, files.keyFile];
  const known: FileContents = new Map(paths.map((path) => [path, { code: "ENOENT" }]));
  // Before the files are read, so that no change between the two is missed.
  const watch = watchSecretFiles({ known, onChange: enqueue, ...timing });
  /** Stops watching; the server keeps its certificate. */
  const close = () => {
    isClosed = true;
    watch.close();
  };
  /** Reads the files now, and uses their content. */
  const reload = async () => enqueue(await watch.read());
  try {
    const { pair, certificate } = parsePair(files, await watch.read());
    await requireHandshake(pair);
    served = pair;
    warnOfDates(certificate, logger);
    // From `follow` on, the server gets every new certificate.
    return { pair, follow: server.resolve, reload, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** @throws {ConfigError} with every problem, each naming its variable. */
function parsePair({ certFile, keyFile }: TlsFiles, contents: FileContents) {
  const problems: string[] = [];
  const read = readFrom(contents);
  const cert = readNamedFile({ name: "TLS_CERT_FILE", path: certFile }, read, problems);
  const key = readNamedFile({ name: "TLS_KEY_FILE", path: keyFile }, read, problems);
  const certificate = cert === undefined ? undefined : parseCertificate(cert, problems);
  const privateKey = key === undefined ? undefined : parseKey(key, problems);
  if (certificate && privateKey && !certificate.checkPrivateKey(privateKey)) {
    problems.push("TLS_KEY_FILE names a key that does not match the certificate of TLS_CERT_FILE");
  }
  if (cert === undefined || key === undefined || !certificate || problems.length > 0) {
    throw new ConfigError(problems);
  }
  return { pair: { cert, key }, certificate };
}

/** The first certificate of the file, which is the service's own; the next ones chain it to a root. */
function parseCertificate(text: string, problems: string[]): X509Certificate | undefined {
  try {
    const [own] = (text.match(CERTIFICATES) ?? []).map((block) => new X509Certificate(block));
    if (own) return own;
  } catch {
    // The problem below says it in plainer words.
  }
  problems.push("TLS_CERT_FILE names a file that is not a certificate in PEM");
  return undefined;
}

function parseKey(text: string, problems: string[]): KeyObject | undefined {
  if (ENCRYPTED_KEY.test(text)) {
    problems.push("TLS_KEY_FILE names a key with a passphrase; use a key without one");
    return undefined;
  }
  try {
    const key = createPrivateKey(text);
    requireStrength(key, problems);
    return key;
  } catch {
    problems.push("TLS_KEY_FILE names a file that is not a private key in PEM");
    return undefined;
  }
}

function requireStrength(
  { asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject,
  problems: string[],
): void {
  const minimum = MIN_BITS[type ?? ""];
  if (!type || minimum === undefined) return;
  // An elliptic curve has the bits of its name, such as prime256v1.
  const bits = details?.modulusLength ?? Number(/\d{3}/.exec(details?.namedCurve ?? "")?.[0]);
  if (bits >= minimum) return;
  problems.push(
    `TLS_KEY_FILE names a key that is too weak: ${type.toUpperCase()} of ${bits} bits; ` +
      "use RSA of at least 2048 bits, EC of at least 256, or Ed25519",
  );
}

/** @throws {ConfigError} if no client could connect to a server with this pair. */
async function requireHandshake(pair: TlsPair): Promise<void> {
  try {
    await tryHandshake(pair);
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    throw new ConfigError([
      `TLS_CERT_FILE and TLS_KEY_FILE name a pair that makes no TLS handshake: ${code ?? message}; ` +
        "use a certificate for servers, with an RSA, EC or Ed25519 key",
    ]);
  }
}

/** Not an error: clocks can be wrong, and some clients check something else. */
function warnOfDates({ validFromDate, validToDate }: X509Certificate, logger: Logger): void {
  const dates = { valid_from: validFromDate, valid_to: validToDate };
  if (validToDate.getTime() < Date.now()) logger.warning("the certificate has expired", dates);
  if (validFromDate.getTime() > Date.now()) {
    logger.warning("the certificate is not valid yet", dates);
  }
}
