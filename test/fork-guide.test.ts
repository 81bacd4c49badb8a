/** Follows docs/fork.md in a copy of this checkout, block by block, and tries what comes out. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Checkout, copyCheckout } from "./container/checkout.ts";
import { freshDatabase } from "./postgres.ts";
import { API_KEY, startService } from "./service.ts";

setDefaultTimeout(120_000);

const ROOT = join(import.meta.dir, "..");
const guide = readFileSync(join(ROOT, "docs/fork.md"), "utf8");

type Block = { language: string; file: string | undefined; text: string };

const blocks: Block[] = [...guide.matchAll(/^```(\w+)(?: (\S+))?\n(.*?)^```$/gms)].map(
  ([, language = "", file, text = ""]) => ({ language, file, text }),
);

let copy: Checkout;

beforeAll(async () => {
  copy = copyCheckout();
  const links = Bun.spawnSync(["cp", "-al", join(ROOT, "node_modules"), copy.directory]);
  expect(links.stderr.toString()).toBe("");
});

afterAll(() => copy.remove());

/** The lines of a change without their marks: those of before, or those of after. */
function side(text: string, mark: "-" | "+"): string {
  return text
    .split(/(?<=\n)/)
    .filter((line) => line.startsWith(" ") || line.startsWith(mark))
    .map((line) => line.slice(1))
    .join("");
}

function apply({ text }: Block, path: string): void {
  const source = readFileSync(path, "utf8");
  const before = side(text, "-").trimEnd();
  expect(source.split(before), `${path} has once: ${before}`).toHaveLength(2);
  writeFileSync(
    path,
    source.replace(before, () => side(text, "+").trimEnd()),
  );
}

async function follow(block: Block): Promise<void> {
  if (block.language === "sh") {
    // The script runs Bun as it is; the tests' own is not in PATH.
    const script = block.text.replaceAll("npm run", `"$BUN" scripts/bun.mjs run`);
    const { status, output } = await copy.run(["sh", "-ec", script], { BUN: process.execPath });
    expect(status, output).toBe(0);
    return;
  }
  const path = copy.path(block.file ?? "");
  if (block.language === "diff") return apply(block, path);
  expect(existsSync(path), `${block.file} is new`).toBe(false);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, block.text);
}

test("every block names its file, or is a command", () => {
  expect(blocks.length).toBeGreaterThan(10);
  for (const { language, file } of blocks) {
    if (language !== "sh") expect(file).toMatch(/^(src|scripts)\//);
  }
});

test("every step can be followed, in the order of the page", async () => {
  // The image of the last step is what the tests of the images build and run.
  for (const block of blocks.filter(({ text }) => !text.startsWith("docker "))) await follow(block);
});

test("what comes out passes the static checks", async () => {
  for (const command of [
    ["node_modules/.bin/biome", "ci"],
    ["node_modules/.bin/tsc", "--project", "tsconfig.json"],
    ["node_modules/.bin/tsc", "--project", "tsconfig.portable.json"],
    [process.execPath, "test", "./test/readme.test.ts", "./src/config/", "-t", "variable|group"],
  ]) {
    const { status, output } = await copy.run(command);
    expect(status, output).toBe(0);
  }
});

for (const kind of ["SQLite", "PostgreSQL"] as const) {
  test(`what comes out serves its routes on ${kind}`, async () => {
    const database = kind === "PostgreSQL" ? await freshDatabase() : undefined;
    const command = [process.execPath, copy.path("src/adapters/bun.ts")];
    const env = database ? { DATABASE_URL: database.url } : {};
    const service = await startService({ command, env });
    const send = (method: string, path: string, body: unknown) =>
      fetch(service.url + path, {
        method,
        headers: { "X-API-Key": API_KEY, "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
    try {
      for (const [name, open] of Object.entries({ Poetry: false, Maps: true })) {
        const answer = await send("POST", "/shelves", { name, open, room: "hall", metres: 3 });
        expect(answer.status, await answer.text()).toBe(201);
      }
      const tagBefore = (await fetch(`${service.url}/shelves/1`)).headers.get("ETag");
      const switched = await send("POST", "/api/v1/switch", { open: 1, close: 2 });
      expect(switched.status, await switched.text()).toBe(200);
      expect(switched.headers.get("Server-Timing")).toMatch(/^total;dur=\d+\.\d$/);
      const open = await Promise.all(
        [1, 2].map(async (id) => (await (await fetch(`${service.url}/shelves/${id}`)).json()).open),
      );
      expect(open).toEqual([true, false]);
      const after = await fetch(`${service.url}/shelves/1`);
      expect(after.headers.get("ETag")).not.toBe(tagBefore);

      const same = await send("POST", "/api/v1/switch", { open: 1, close: 1 });
      expect(same.status).toBe(400);
      const missing = await send("POST", "/api/v1/switch", { open: 2, close: 9 });
      expect(missing.status).toBe(404);
      expect(await (await fetch(`${service.url}/shelves/2`)).json()).toMatchObject({ open: false });

      const reversed = await send("POST", "/api/v1/process", { action: "reverse", text: "abc" });
      expect(await reversed.json()).toMatchObject({ success: true, text: "cba" });
    } finally {
      await service[Symbol.asyncDispose]();
      await database?.drop();
    }
  });
}

test("the variable turns the middleware off", async () => {
  const command = [process.execPath, copy.path("src/adapters/bun.ts")];
  const env = { DATABASE_URL: "memory:", SHOW_TIMING: "false" };
  await using service = await startService({ command, env });
  expect((await fetch(`${service.url}/health`)).headers.has("Server-Timing")).toBe(false);
});
