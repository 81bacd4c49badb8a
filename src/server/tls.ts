import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { ConfigError, readNamedFile } from "../config/config.ts";
import { describeError, type Logger } from "../telemetry/logger.ts";
import type { Server, TlsPair } from "./runtime.ts";
import { type FileContents, readFrom, watchSecretFiles } from "./secrets/watch.ts";

/** The paths of a certificate, with what chains it to a root, and of its private key, both in PEM. */
export type TlsFiles = { certFile: string; keyFile: string };

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const ENCRYPTED_KEY = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

/** A certificate that is replaced whenever its files are. */
export type Tls = {
  pair: TlsPair;
  /** Names the server that is to serve what the files hold from now on. */
  follow: (server: Pick<Server, "setTls">) => void;
  /** Reads the files now, and serves what they hold. */
  reload: () => Promise<void>;
  /** Leaves the server with what it has. */
  close: () => void;
};

type OpenOptions = {
  files: TlsFiles;
  logger: Logger;
  /** How long the files have to stay as they are before they are believed. */
  settleMs?: number;
};

/**
 * Reads a certificate and its key, and follows their files. A certificate that is not valid now is a line
 * of the log.
 *
 * @throws {ConfigError} with every problem, each naming its variable.
 */
export async function openTls({ files, logger, ...timing }: OpenOptions): Promise<Tls> {
  const server = Promise.withResolvers<Pick<Server, "setTls">>();
  let isClosed = false;
  let served: TlsPair | undefined;

  async function replace(contents: FileContents): Promise<void> {
    const { setTls } = await server.promise;
    if (isClosed) return;
    try {
      const { pair, certificate } = parsePair(files, contents);
      if (pair.cert === served?.cert && pair.key === served.key) return;
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

  const paths = [files.certFile, files.keyFile];
  const known: FileContents = new Map(paths.map((path) => [path, { code: "ENOENT" }]));
  // Before the files are read, lest a change between the two is missed.
  const watch = watchSecretFiles({ known, onChange: replace, ...timing });
  const close = () => {
    isClosed = true;
    watch.close();
  };
  try {
    const { pair, certificate } = parsePair(files, await watch.read());
    served = pair;
    warnOfDates(certificate, logger);
    const reload = async () => replace(await watch.read());
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
    problems.push("TLS_KEY_FILE names a file whose key is not that of TLS_CERT_FILE's certificate");
  }
  if (cert === undefined || key === undefined || !certificate || problems.length > 0) {
    throw new ConfigError(problems);
  }
  return { pair: { cert, key }, certificate };
}

/** The first certificate of the file, which is the service's own; those behind it chain it to a root. */
function parseCertificate(text: string, problems: string[]): X509Certificate | undefined {
  try {
    const [own] = (text.match(CERTIFICATES) ?? []).map((block) => new X509Certificate(block));
    if (own) return own;
  } catch {
    // It says in the words of a library what the problem below says.
  }
  problems.push("TLS_CERT_FILE names a file that is no certificate in PEM");
  return undefined;
}

function parseKey(text: string, problems: string[]): KeyObject | undefined {
  if (ENCRYPTED_KEY.test(text)) {
    problems.push("TLS_KEY_FILE names a key with a passphrase; it takes one without");
    return undefined;
  }
  try {
    return createPrivateKey(text);
  } catch {
    problems.push("TLS_KEY_FILE names a file that is no private key in PEM");
    return undefined;
  }
}

/** Not an error, for clocks are wrong at times, and some clients look at something else. */
function warnOfDates({ validFromDate, validToDate }: X509Certificate, logger: Logger): void {
  const dates = { valid_from: validFromDate, valid_to: validToDate };
  if (validToDate.getTime() < Date.now()) logger.warning("the certificate has expired", dates);
  if (validFromDate.getTime() > Date.now()) {
    logger.warning("the certificate is not valid yet", dates);
  }
}
