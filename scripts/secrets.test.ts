import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeSecrets, missingSecrets, SECRETS, secretPath } from "./secrets.ts";

let directory: string;
const modeOf = (path: string) => statSync(path).mode & 0o7777;
const read = () => SECRETS.map((name) => readFileSync(secretPath(directory, name), "utf8"));

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "thimble-secrets-")), "secrets");
});

afterEach(() => {
  rmSync(join(directory, ".."), { recursive: true, force: true });
});

test("makes what is missing, each of it random", () => {
  expect(makeSecrets(directory)).toEqual([...SECRETS]);
  expect(missingSecrets(directory)).toEqual([]);
  for (const secret of read()) expect(secret).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set(read()).size).toBe(SECRETS.length);
});

test("lets nobody but the owner into the directory, and everybody read what they are handed", () => {
  makeSecrets(directory);
  expect(modeOf(directory)).toBe(0o700);
  for (const name of SECRETS) expect(modeOf(secretPath(directory, name))).toBe(0o444);
});

test("keeps a secret that is there, and mends its mode", () => {
  makeSecrets(directory);
  const path = secretPath(directory, "api_key");
  rmSync(path);
  writeFileSync(path, "made by hand", { mode: 0o600 });
  chmodSync(directory, 0o755);
  expect(makeSecrets(directory)).toEqual([]);
  expect(readFileSync(path, "utf8")).toBe("made by hand");
  expect(modeOf(path)).toBe(0o444);
  expect(modeOf(directory)).toBe(0o700);
});

test("refuses an empty secret", () => {
  makeSecrets(directory);
  const path = secretPath(directory, "api_key");
  rmSync(path);
  writeFileSync(path, "\n");
  expect(() => makeSecrets(directory)).toThrow(`${path} is empty`);
});

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)(
  `takes what another user has made${isRoot ? "" : " (skipped: needs root)"}`,
  () => {
    const NOBODY = 65534;
    makeSecrets(directory);
    chmodSync(join(directory, ".."), 0o755);
    chownSync(directory, NOBODY, NOBODY);
    const asNobody = () => {
      process.seteuid?.(NOBODY);
      try {
        return makeSecrets(directory);
      } finally {
        process.seteuid?.(0);
      }
    };
    expect(asNobody()).toEqual([]);
    const path = secretPath(directory, "postgres_password");
    chmodSync(path, 0o400);
    expect(asNobody).toThrow(
      `${path} is not yours and has not mode 444; sudo chown "$USER" ${path}`,
    );
    chownSync(directory, 0, 0);
    expect(asNobody).toThrow("permission denied");
  },
);
