import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const HOME = join(import.meta.dir, "certificates");

/** Certificates for localhost, each signed by its own key; see `test/certificates/README.md`. */
export type CertificateName = "first" | "second" | "expired" | "weak" | "unusable";
/** Those that `authority.crt` has signed: for localhost, and for another host. */
export type SignedName = "signed" | "elsewhere";

/** A certificate or key in PEM, by its file's name, such as `first.crt`. */
export function pem(
  name:
    | `${CertificateName | SignedName | "authority"}.crt`
    | `${CertificateName | SignedName | "encrypted"}.key`,
): string {
  return readFileSync(join(HOME, name), "utf8");
}

/** The variables that name the files of a certificate in a directory. */
export function tlsVariables(directory: string) {
  return { TLS_CERT_FILE: join(directory, "tls.crt"), TLS_KEY_FILE: join(directory, "tls.key") };
}

/** Replaces the certificate and key in a directory, and returns their variables. */
export function putCertificate(directory: string, name: CertificateName) {
  const variables = tlsVariables(directory);
  replaceFile(variables.TLS_CERT_FILE, pem(`${name}.crt`));
  replaceFile(variables.TLS_KEY_FILE, pem(`${name}.key`));
  return variables;
}

/** Replaces a file like tools that renew certificates: nobody reads half a file. */
export function replaceFile(path: string, content: string): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}
