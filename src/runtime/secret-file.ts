import { readFileSync } from "node:fs";

/** Reads a secret's file. @throws {Error} whose `code` says why it cannot. */
export function readSecretFile(path: string): string {
  return readFileSync(path, "utf8");
}
