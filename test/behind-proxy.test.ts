import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Rewriting, startRewritingProxy } from "./reverse-proxy.ts";
import { API_KEY, type Service, startService } from "./service.ts";

setDefaultTimeout(60_000);

const HEADERS = { "X-API-Key": API_KEY, "Content-Type": "application/json" };
const BOOK = { title: "Emma", author: "Jane Austen", year: 1815 };

type Sent = { method?: string; body?: object; headers?: Record<string, string> };

let service: Service;
const open: { close: () => void }[] = [];

beforeAll(async () => {
  service = await startService({ env: { DATABASE_URL: "memory:" } });
});

afterAll(async () => {
  for (const proxy of open) proxy.close();
  await service[Symbol.asyncDispose]();
});

/** Starts a proxy, and talks to the service through it. */
function through(rewriting: Rewriting) {
  const proxy = startRewritingProxy(service.port, rewriting);
  open.push(proxy);
  const origin = `http://127.0.0.1:${proxy.port}`;
  const send = (url: string, { method = "GET", body, headers }: Sent = {}) =>
    fetch(new URL(url, origin), {
      method,
      headers: { ...HEADERS, ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
  return { origin, send };
}

describe.each(["gzip", "zstd"] as const)("behind a proxy that compresses with %s", (encoding) => {
  const accept = { "Accept-Encoding": encoding };

  test.each([
    ["a small answer", "Emma", false],
    ["a large answer", "Ünï ".repeat(60).trim(), true],
  ])("the tag of %s leads to a change and to a 304", async (_what, title, isCompressed) => {
    const { send } = through({ encoding });
    const created = await send("/books", {
      method: "POST",
      body: { ...BOOK, title, author: title },
    });
    const { id } = (await created.json()) as { id: number };
    const read = await send(`/books/${id}`, { headers: accept });
    expect(await read.json()).toMatchObject({ id, title });
    const tag = read.headers.get("ETag") ?? "";
    expect(tag.endsWith(`-${encoding}"`)).toBe(isCompressed);

    const headers = { ...accept, "If-Match": tag };
    const unchanged = { ...accept, "If-None-Match": tag };
    expect((await send(`/books/${id}`, { headers: unchanged })).status).toBe(304);
    const change = { method: "PUT", body: { year: 1816 }, headers };
    expect((await send(`/books/${id}`, change)).status).toBe(200);
    expect((await send(`/books/${id}`, change)).status).toBe(412);
    expect((await send(`/books/${id}`, { headers: unchanged })).status).toBe(200);
  });
});

describe("behind a proxy that takes a prefix away", () => {
  const PREFIX = "/shop/thimble";
  const follow = (response: Response, reference: string | undefined) =>
    new URL(reference ?? "no reference", response.url).href;

  for (const path of ["/books", "/api/v1/books"]) {
    test(`Location and Link of ${path} lead through the prefix`, async () => {
      const { origin, send } = through({ prefix: PREFIX });
      const author = `Jane ${crypto.randomUUID()}`;
      for (const title of ["Emma", "Persuasion"]) {
        const created = await send(PREFIX + path, {
          method: "POST",
          body: { ...BOOK, title, author },
        });
        expect(created.status).toBe(201);
        const location = follow(created, created.headers.get("Location") ?? "");
        expect(location).toStartWith(`${origin}${PREFIX}${path}/`);
        expect(await (await send(location)).json()).toMatchObject({ title });
      }
      const first = await send(`${PREFIX}${path}?${new URLSearchParams({ author, limit: "1" })}`);
      const [, next] = /^<([^>]+)>; rel="next"$/.exec(first.headers.get("Link") ?? "") ?? [];
      expect(await (await send(follow(first, next))).json()).toMatchObject({
        items: [{ title: "Persuasion", author }],
        next_cursor: null,
      });
    });
  }

  for (const path of ["/", "/docs"]) {
    test(`every address of the page ${path} leads through the prefix`, async () => {
      const { origin, send } = through({ prefix: PREFIX });
      const page = await send(PREFIX + path, { headers: { Accept: "text/html" } });
      const addresses = (await page.text()).matchAll(/(?:href|src)="(?!data:)([^"]+)"/g);
      const urls = Array.from(addresses, ([, address]) => follow(page, address));
      expect(urls.length).toBeGreaterThan(2);
      for (const url of urls) {
        expect(url).toStartWith(`${origin}${PREFIX}/`);
        expect((await send(url)).status).toBe(200);
      }
    });
  }

  test("the OpenAPI document says where its paths begin", async () => {
    const { origin, send } = through({ prefix: PREFIX });
    const answer = await send(`${PREFIX}/openapi.json`);
    const { servers } = (await answer.json()) as { servers: { url: string }[] };
    expect(servers.map(({ url }) => follow(answer, url))).toEqual([`${origin}${PREFIX}/`]);
  });
});
