import { readFileSync } from "node:fs";

/** Reads a secret's file. @throws {Error} whose message says why it cannot, and holds no content. */
export function readSecretFile(path: string): string {
  return readFileSync(path, "utf8");
}
