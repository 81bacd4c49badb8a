import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The files that compose.yml mounts, by the name of the secret. */
export const SECRETS = ["api_key", "postgres_password"] as const;
export type Secret = (typeof SECRETS)[number];

const SECRET_BYTES = 32;

/** Only the owner may enter the directory; a container that gets one of its files may read that. */
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o444;
const ALL_BITS = 0o7777;

export function secretPath(directory: string, name: Secret): string {
  return join(directory, `${name}.txt`);
}

export function missingSecrets(directory: string): Secret[] {
  // Throws, other than existsSync(), where the directory is another user's.
  const look = (path: string) => statSync(path, { throwIfNoEntry: false });
  return SECRETS.filter((name) => look(secretPath(directory, name)) === undefined);
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
  setMode(directory, DIRECTORY_MODE);
  const missing = missingSecrets(directory);
  for (const name of missing) {
    const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toHex();
    writeFileSync(secretPath(directory, name), secret, { flag: "wx", mode: FILE_MODE });
  }
  for (const name of SECRETS) checkSecret(secretPath(directory, name));
  return missing;
}

function checkSecret(path: string): void {
  setMode(path, FILE_MODE);
  if (readFileSync(path, "utf8").trim() !== "") return;
  throw new Error(`${path} is empty; put the secret back, or remove the file for a new one`);
}

/** Leaves alone what has its mode: another user may have made it, as `sudo` does. */
function setMode(path: string, mode: number): void {
  if ((statSync(path).mode & ALL_BITS) === mode) return;
  try {
    chmodSync(path, mode);
  } catch {
    const wanted = `mode ${mode.toString(8)}`;
    throw new Error(`${path} is not yours and has not ${wanted}; sudo chown "$USER" ${path}`);
  }
}
