import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { publint } from "publint";
import { freshDatabase } from "../postgres.ts";
import { nodeProgram } from "../runtimes/programs.ts";
import consumer from "./consumer/package.json" with { type: "json" };

// Packing compiles every declaration, and the consumer's compiler reads them all.
setDefaultTimeout(120_000);

const ROOT = join(import.meta.dir, "../..");
const BIN = join(ROOT, "node_modules/.bin");
const API_KEY = "0123456789abcdef";
const KEY = { "X-API-Key": API_KEY, "Content-Type": "application/json" };
const BUN = [process.execPath, "serve-bun.mjs"] as const;
const NODE = [nodeProgram(), "serve-node.mjs"] as const;

let home = "";
let tarball = "";
/** Another project that has installed the package. */
let project = "";

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "thimble-package-"));
  tarball = await pack(home);
  project = join(home, "consumer");
  cpSync(join(import.meta.dir, "consumer"), project, { recursive: true });
  await install(tarball, project);
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

/** The output of a command. @throws {Error} with the output if the command fails. */
async function output(command: string[], cwd: string): Promise<string> {
  const child = Bun.spawn(command, { cwd, stdout: "pipe", stderr: "pipe" });
  const texts = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}\n${texts.join("\n")}`);
  return texts[0];
}

async function pack(directory: string): Promise<string> {
  const command = [process.execPath, "pm", "pack", "--quiet", "--destination", directory];
  const [path = ""] = (await output(command, ROOT)).match(/\S+\.tgz/) ?? [];
  return path;
}

/**
 * Installs like a package manager, but without a registry: unpacks the package, and puts next to it its
 * dependencies and the consumer's, from this project's packages.
 */
async function install(path: string, into: string): Promise<void> {
  const unpacked = join(into, "node_modules/thimble");
  mkdirSync(unpacked, { recursive: true });
  await output(["tar", "-xzf", path, "--strip-components=1", "-C", unpacked], into);
  const { dependencies } = await Bun.file(join(unpacked, "package.json")).json();
  for (const name of Object.keys({ ...dependencies, ...consumer.dependencies })) {
    if (name === "thimble") continue;
    const link = join(into, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), link);
  }
}

test("publint finds no problem", async () => {
  const packed = await Bun.file(tarball).arrayBuffer();
  const { messages } = await publint({ pack: { tarball: packed } });
  expect(messages).toEqual([]);
});

test("it brings no second Hono, and shares the types and errors of the project's", async () => {
  const manifest = await Bun.file(join(project, "node_modules/thimble/package.json")).json();
  expect(Object.keys(manifest.peerDependencies)).toEqual(["hono"]);
  expect(Object.keys(manifest.dependencies)).not.toContain("hono");
  expect(Object.keys(consumer.dependencies)).toContain("hono");
});

test("it brings what it imports, and nothing else", async () => {
  const root = join(project, "node_modules/thimble");
  const { dependencies, peerDependencies } = await Bun.file(join(root, "package.json")).json();
  const imported = new Set<string>();
  for await (const file of new Bun.Glob("dist/package/*.js").scan(root)) {
    const source = await Bun.file(join(root, file)).text();
    for (const { path } of new Bun.Transpiler({ loader: "js" }).scanImports(source)) {
      const [name] = /^(?:@[^/]+\/)?[^./][^/]*/.exec(path) ?? [];
      if (name && !path.startsWith("node:")) imported.add(name);
    }
  }
  const brought = Object.keys({ ...dependencies, ...peerDependencies });
  expect([...imported].toSorted()).toEqual(brought.toSorted());
});

test("it holds what it exports, the licence and the README, and no source", async () => {
  const files = (await output(["tar", "-tzf", tarball], ROOT)).trim().split("\n");
  const others = files.filter((file) => !file.startsWith("package/dist/package/"));
  expect(others.toSorted()).toEqual([
    "package/LICENSE",
    "package/README.md",
    "package/package.json",
  ]);
  expect(files.filter((file) => !/\.(js|d\.ts)$/.test(file))).toEqual(others);
});

describe("a project without a runtime's types compiles", () => {
  for (const [name, flags] of [
    ["as Node resolves modules", []],
    ["as bundlers resolve modules", ["--module", "preserve", "--moduleResolution", "bundler"]],
  ] as const) {
    test(name, async () => {
      const tsc = [process.execPath, `${BIN}/tsc`, "--project", project, "--pretty", "false"];
      expect(await output([...tsc, ...flags], project)).toBe("");
    });
  }
});

const sqliteFile = async () => ({ url: join(home, crypto.randomUUID(), "books.db") });

for (const [where, command, openBooks] of [
  ["on Bun with SQLite", BUN, sqliteFile],
  ["on Node with SQLite", NODE, sqliteFile],
  ["on Node with PostgreSQL", NODE, freshDatabase],
] as const) {
  describe(`in another project, ${where}`, () => {
    let books: { url: string; drop?: () => Promise<void> } | undefined;
    let child: Bun.Subprocess<"ignore", "pipe", "inherit"> | undefined;
    let origin = "";

    beforeAll(async () => {
      books = await openBooks();
      child = Bun.spawn([...command], {
        cwd: project,
        env: { PATH: process.env.PATH, API_KEY, DATABASE_URL: books.url },
        stdio: ["ignore", "pipe", "inherit"],
      });
      for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
        origin += chunk;
        if (origin.includes("\n")) break;
      }
      origin = origin.trim();
    });

    afterAll(async () => {
      child?.kill();
      await child?.exited;
      await books?.drop?.();
    });

    const add = (path: string, book: object, headers: object = KEY) =>
      fetch(origin + path, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...headers },
        body: JSON.stringify(book),
      });
    const book = (title: string) => ({ title, author: "Jane Austen", year: 1815 });

    test("the app's own routes stay as they were", async () => {
      expect(await (await fetch(origin)).text()).toBe("The library");
    });

    for (const path of ["/library", "/service/books"]) {
      test(`a book is added below ${path}, and found there`, async () => {
        const added = await add(path, book("Emma"));
        expect(added.status).toBe(201);
        const location = new URL(added.headers.get("Location") ?? "", origin + path).href;
        expect(location).toStartWith(`${origin}${path}/`);
        const found = await fetch(location);
        expect(found.headers.get("ETag")).toBe(added.headers.get("ETag"));
        expect(await found.json()).toMatchObject(book("Emma"));
      });

      test(`pages link to each other below ${path}`, async () => {
        const word = crypto.randomUUID();
        for (const title of ["Emma", "Persuasion"]) await add(path, book(`${title} ${word}`));
        const first = await fetch(`${origin}${path}?q=${word}&limit=1`);
        expect(await first.json()).toMatchObject({ items: [{ title: `Emma ${word}` }] });
        const [, next = ""] = /^<(.+)>; rel="next"$/.exec(first.headers.get("Link") ?? "") ?? [];
        const url = new URL(next, origin + path).href;
        expect(url).toStartWith(`${origin}${path}?`);
        expect(await (await fetch(url)).json()).toMatchObject({
          items: [{ title: `Persuasion ${word}` }],
          next_cursor: null,
        });
      });

      test(`an error below ${path} is a problem`, async () => {
        const problem = async (response: Response) => {
          expect(response.headers.get("Content-Type")).toBe("application/problem+json");
          return response.json();
        };
        expect(await problem(await add(path, book("Emma"), {}))).toMatchObject({
          status: 401,
          error: "API key required",
          request_id: expect.any(String),
        });
        expect(await problem(await fetch(`${origin}${path}/999`))).toMatchObject({
          status: 404,
          detail: "There is no book 999.",
        });
        expect(await problem(await add(path, { ...book("Emma"), year: "1815" }))).toMatchObject({
          status: 400,
          errors: [{ path: "year", message: expect.any(String) }],
        });
      });
    }

    test("a resource of the project's own is stored, found, filtered and sorted", async () => {
      const loan = (title: string, due: string) => ({ title, borrower: "Anne Elliot", due });
      const late = await add("/loans", loan("Emma", "2027-02-28T19:00:00+01:00"));
      expect(late.status).toBe(201);
      expect(await late.json()).toMatchObject({ due: "2027-02-28T18:00:00.000Z", state: null });
      await add("/loans", { ...loan("Persuasion", "2027-01-31T18:00:00Z"), state: "lent" });
      const titles = async (query: string) => {
        const page = await (await fetch(`${origin}/loans?${query}`)).json();
        return (page as { items: { title: string }[] }).items.map(({ title }) => title);
      };
      expect(await titles("sort=due")).toEqual(["Persuasion", "Emma"]);
      expect(await titles("state=lent")).toEqual(["Persuasion"]);
      expect(await titles("q=elliot+emma")).toEqual(["Emma"]);
      const wrong = await add("/loans", { ...loan("Emma", "soon"), state: "lost" });
      expect(wrong.status).toBe(400);
      const { errors } = (await wrong.json()) as { errors: { path: string }[] };
      expect(errors.map(({ path }) => path)).toEqual(["due", "state"]);
    });

    test("the mounted health is that of the app", async () => {
      const health = await (await fetch(`${origin}/health`)).json();
      expect(health).toMatchObject({ service: "library", version: "1.0.0" });
      expect(await (await fetch(`${origin}/ready`)).json()).toMatchObject({ ready: true });
    });

    test("a route that was added to the whole service has its headers", async () => {
      const response = await fetch(`${origin}/service/opening-hours`);
      expect(await response.json()).toEqual({ from: 9, to: 17 });
      expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
    });

    test("the pages of the whole service link to where it is mounted", async () => {
      for (const path of ["/service", "/service/docs"]) {
        const page = await fetch(origin + path, { headers: { Accept: "text/html" } });
        const links = [...(await page.text()).matchAll(/(?:href|src)="(?!data:)([^"]+)"/g)];
        expect(links.length).toBeGreaterThanOrEqual(4);
        for (const [, link = ""] of links) {
          const url = new URL(link, origin + path).href;
          expect(url).toStartWith(`${origin}/service/`);
          expect((await fetch(url)).status).toBe(200);
        }
      }
      const address = `${origin}/service/openapi.json`;
      const document = (await (await fetch(address)).json()) as { servers: { url: string }[] };
      expect(document).toMatchObject({ paths: { "/books": {} } });
      const servers = document.servers.map(({ url }) => new URL(url, address).href);
      expect(servers).toEqual([`${origin}/service/`]);
    });

    test("typed clients get what their types promise", async () => {
      const ask = (apiKey: string) => output([command[0], "ask.mjs", origin, apiKey], project);
      expect(JSON.parse(await ask(API_KEY))).toEqual({
        version: 6,
        book: expect.objectContaining(book("Emma")),
      });
      await expect(ask("wrong")).rejects.toThrow("not one that this service knows");
    });
  });
}
