import { expect, test } from "bun:test";
import { books } from "../books.ts";
import { createMemoryDatabase, createStore, resourceRoutes } from "../package/index.ts";
import { isSameEntry } from "../transfer/copy.ts";

type Page = { items: { title: string }[] };

/** As rules before these ones let them in. */
const TITLES = ["Cafe\u0301", "\u2800", "a\u2028b", "x".repeat(300)];

async function openOlderBooks() {
  const store = createStore(createMemoryDatabase(), books);
  for (const title of TITLES) await store.create({ title, author: title, year: 1 });
  const routes = resourceRoutes(books, { store, writeAccess: (_c, next) => next() });
  return async (query: Record<string, string>) => {
    const response = await routes.request(`/?${new URLSearchParams(query)}`);
    expect(response.status).toBe(200);
    const [, next] = /^<([^>]+)>/.exec(response.headers.get("Link") ?? "") ?? [];
    const { items } = (await response.json()) as Page;
    const cursor = new URLSearchParams(next).get("cursor");
    return { titles: items.map(({ title }) => title), cursor };
  };
}

test("a list goes on at every entry whose text was stored by older rules", async () => {
  const list = await openOlderBooks();
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await list({ sort: "title", limit: "1", ...(cursor !== null && { cursor }) });
    seen.push(...page.titles);
    cursor = page.cursor;
  } while (cursor !== null);
  expect(seen).toEqual(["Cafe\u0301", "a\u2028b", "x".repeat(300), "\u2800"]);
});

test("a search finds an older text, composed or not", async () => {
  const list = await openOlderBooks();
  for (const q of ["Caf\u00e9", "Cafe\u0301"])
    expect((await list({ q })).titles).toEqual([TITLES[0] ?? ""]);
});

test("a repeat of a request from before an upgrade gets its answer, and an export its own entry", async () => {
  const store = createStore(createMemoryDatabase(), books);
  const older = { title: "Cafe\u0301", author: "Zoe\u0308", year: 1 };
  const { entry } = await store.create(older, "key");
  const composed = { title: "Caf\u00e9", author: "Zo\u00eb" };
  expect(await store.create({ ...older, ...composed }, "key")).toEqual({ entry, replayed: true });
  expect(isSameEntry(books, { ...entry, ...composed }, entry)).toBe(true);
  expect(isSameEntry(books, { ...entry, title: "Cafe" }, entry)).toBe(false);
});
