import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The files that compose.yml mounts, by the name of the secret. */
export const SECRETS = ["api_key", "postgres_password"] as const;
export type Secret = (typeof SECRETS)[number];

const SECRET_BYTES = 32;

/** Only the owner may enter the directory; whoever is handed a file of it may read that. */
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o444;

export function secretPath(directory: string, name: Secret): string {
  return join(directory, `${name}.txt`);
}

export function missingSecrets(directory: string): Secret[] {
  return SECRETS.filter((name) => !existsSync(secretPath(directory, name)));
}

/**
 * Makes the secrets that are missing, and gives the directory and all of them the modes that
 * secrets/README.md explains.
 *
 * @returns the secrets that were made.
 * @throws {Error} where one is there and cannot serve; the message says what to do.
 */
export function makeSecrets(directory: string): Secret[] {
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, DIRECTORY_MODE);
  const missing = missingSecrets(directory);
  for (const name of missing) {
    const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toHex();
    writeFileSync(secretPath(directory, name), secret, { flag: "wx", mode: FILE_MODE });
  }
  for (const name of SECRETS) checkSecret(secretPath(directory, name));
  return missing;
}

function checkSecret(path: string): void {
  try {
    chmodSync(path, FILE_MODE);
    if (readFileSync(path, "utf8").trim() !== "") return;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${path} cannot be used (${reason}); remove it, and a new one is made`);
  }
  throw new Error(`${path} is empty; remove it, and a new one is made`);
}
