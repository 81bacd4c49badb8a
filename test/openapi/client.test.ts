/** A client that is generated from the document compiles and makes every call, and linters read it. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { documentOf } from "../../src/cli/commands/openapi.ts";
import { API_KEY, openApp } from "../app.ts";
import { RESOURCES } from "../example/service.ts";
import { EVERY_KIND, installTools, lint, TOOLS } from "./lint.ts";

setDefaultTimeout(60_000);

const ROOT = join(TOOLS, "../..");
const document = documentOf([...RESOURCES, EVERY_KIND]);
let directory = "";

beforeAll(async () => {
  installTools();
  directory = mkdtempSync(join(tmpdir(), "thimble-client-"));
  cpSync(join(TOOLS, "consumer"), directory, { recursive: true });
  symlinkSync(join(TOOLS, "node_modules"), join(directory, "node_modules"));
  await Bun.write(join(directory, "openapi.json"), JSON.stringify(document));
  await run("node_modules/.bin/openapi-typescript", "openapi.json", "--output", "api.d.ts");
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What a program prints. @throws {Error} with what it said if it fails. */
async function run(...command: string[]): Promise<string> {
  const child = Bun.spawn([process.execPath, ...command], {
    cwd: directory,
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const [stdout, stderr] = await output;
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

const compile = () =>
  run(join(ROOT, "node_modules/.bin/tsc"), "--typeRoots", join(ROOT, "node_modules"));

test("it compiles", async () => {
  expect(await compile()).toBe("");
});

test("it does not compile with a field that a book does not have", async () => {
  const wrong = join(directory, "wrong.ts");
  await Bun.write(
    wrong,
    `import type { components } from "./api.d.ts";
    export const list: components["schemas"]["ReadingListInput"] = { name: "A", shelf: 1 };`,
  );
  try {
    await expect(compile()).rejects.toThrow("'shelf' does not exist");
  } finally {
    await Bun.file(wrong).delete();
  }
});

test("it makes every call of the service, which answers as described", async () => {
  const { app } = openApp();
  const seen = new Set<string>();
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      seen.add(`${request.method} ${new URL(request.url).pathname.replace(/\/\d+$/, "/{id}")}`);
      return app.fetch(request);
    },
  });
  expect(JSON.parse(await run("calls.ts", server.url.origin, API_KEY))).toEqual({
    years: [1815, 1816, 1816, 1816],
    title: "Emma I",
    deleted: 204,
    detail: expect.stringContaining("There is no book"),
    actions: ["echo", "validate_ip"],
    ran: "validate_ip",
    status: "healthy",
    ready: "ok",
    alive: "OK",
    greeting: "Hello from Docker!",
    openapi: "3.1.0",
    page: "<!doctype html>",
  });
  const described = Object.entries(documentOf(RESOURCES).paths ?? {}).flatMap(
    ([path, operations]) => Object.keys(operations).map((each) => `${each.toUpperCase()} ${path}`),
  );
  expect([...seen].sort()).toEqual(described.sort());
});

const faults: [linter: string, fault: object][] = [
  ["redocly", { security: [{ unknown: [] }] }],
  ["spectral", { info: { ...document.info, description: undefined } }],
];
for (const [linter, fault] of faults) {
  test(`${linter} refuses a document that breaks a rule`, async () => {
    await expect(lint({ ...document, ...fault })).rejects.toThrow(
      `failed: node_modules/.bin/${linter}`,
    );
  });
}
