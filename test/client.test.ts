import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "bun:test";
import { hc } from "hono/client";
import type { createApp } from "../src/app.ts";
import type { books } from "../src/books.ts";
import type { Problem } from "../src/http/describe.ts";
import type { EntryOf } from "../src/resources/resource.ts";
import { API_KEY, openApp } from "./app.ts";
import type { RESOURCES } from "./example/service.ts";

type Book = EntryOf<typeof books>;
type App = ReturnType<typeof createApp<typeof RESOURCES>>;

/**
 * What Hono's typed client knows about the service: the compiler checks it, and a real server answers.
 */
let server: Bun.Server<undefined>;
let client: ReturnType<typeof connect>;

function connect(apiKey: string) {
  return hc<App>(server.url.origin, { headers: { "X-API-Key": apiKey } });
}

beforeAll(() => {
  const { app } = openApp();
  server = Bun.serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  client = connect(API_KEY);
});

afterAll(() => server.stop(true));

/** A book's path parameter. */
const param = ({ id }: { id: number }) => ({ param: { id: String(id) } });

async function addBook(title: string): Promise<Book> {
  const response = await client.books.$post({ json: { title, author: "Jane Austen", year: 1815 } });
  if (response.status !== 201) throw new Error((await response.json()).detail);
  return response.json();
}

describe("books through the typed client", () => {
  test("are listed", async () => {
    const word = crypto.randomUUID();
    const emma = await addBook(`Emma ${word}`);
    await addBook(`Persuasion ${word}`);
    const response = await client.books.$get({ query: { q: word, limit: "1", sort: "title" } });
    expectTypeOf(response.status).toEqualTypeOf<200 | 400 | 401 | 403 | 429 | 503>();
    if (response.status !== 200) throw new Error((await response.json()).detail);
    const page = await response.json();
    expectTypeOf(page).toEqualTypeOf<{ items: Book[]; next_cursor: string | null }>();
    expect(page).toEqual({ items: [emma], next_cursor: expect.any(String) });
  });

  test("are added", async () => {
    const json = { title: "Emma", author: "Jane Austen", year: 1815 };
    const response = await client.books.$post({ json });
    expectTypeOf(response.status).toEqualTypeOf<
      201 | 400 | 401 | 403 | 413 | 415 | 422 | 429 | 503
    >();
    if (response.status !== 201) throw new Error(response.statusText);
    const book = await response.json();
    expectTypeOf(book).toEqualTypeOf<Book>();
    expect(book).toMatchObject(json);
  });

  test("are got", async () => {
    const emma = await addBook("Emma");
    const response = await client.books[":id"].$get(param(emma));
    if (response.status !== 200) throw new Error(response.statusText);
    expectTypeOf(await response.json()).toEqualTypeOf<Book>();
    const again = await client.books[":id"].$get(param(emma));
    expect(await again.json()).toEqual(emma);
  });

  test("are changed", async () => {
    const emma = await addBook("Emma");
    for (const change of ["$put", "$patch"] as const) {
      const response = await client.books[":id"][change]({ ...param(emma), json: { year: 1816 } });
      if (response.status !== 200) throw new Error(response.statusText);
      const changed = await response.json();
      expectTypeOf(changed).toEqualTypeOf<Book>();
      expect(changed).toMatchObject({ id: emma.id, year: 1816 });
    }
  });

  test("are changed only if they are as the client read them", async () => {
    const emma = await addBook("Emma");
    const headers = { "X-API-Key": API_KEY, "If-Match": '"another"' };
    const response = await client.books[":id"].$patch(
      { ...param(emma), json: { year: 1816 } },
      { headers },
    );
    expect(response.status).toBe(412);
  });

  test("are deleted", async () => {
    const emma = await addBook("Emma");
    const response = await client.books[":id"].$delete(param(emma));
    expectTypeOf(response.status).toEqualTypeOf<204 | 401 | 403 | 404 | 412 | 429 | 503>();
    expect(response.status).toBe(204);
    const gone = await client.api.v1.books[":id"].$get(param(emma));
    if (gone.status !== 404) throw new Error(gone.statusText);
    const problem = await gone.json();
    expectTypeOf(problem).toEqualTypeOf<Problem>();
    expect(problem.error).toBe("Book not found");
  });
});

describe("actions through the typed client", () => {
  test("have each its own answer type", async () => {
    const response = await client.api.v1.process.$post({
      json: { action: "validate_ip", ip: "2001:db8::1" },
    });
    expectTypeOf(response.status).toEqualTypeOf<200 | 400 | 401 | 403 | 413 | 415 | 429 | 503>();
    if (response.status !== 200) throw new Error(response.statusText);
    const answer = await response.json();
    if (answer.action !== "validate_ip") throw new Error(answer.action);
    expectTypeOf(answer.version).toEqualTypeOf<4 | 6 | null>();
    expect(answer).toMatchObject({ success: true, ip: "2001:db8::1", valid: true, version: 6 });
  });

  test("need the key, and say so as a problem", async () => {
    const response = await connect("wrong").api.v1.process.$post({
      json: { action: "echo", data: [1] },
    });
    if (response.status !== 401) throw new Error(response.statusText);
    const problem = await response.json();
    expectTypeOf(problem).toEqualTypeOf<Problem>();
    expect(problem.error).toBe("Invalid API key");
  });

  test("are listed", async () => {
    const response = await client.api.v1.process.$get();
    const { actions } = await response.json();
    const echo: "echo" | undefined = actions[0]?.name === "echo" ? actions[0].name : undefined;
    expect(echo).toBe("echo");
    // @ts-expect-error There is no such action.
    expect(actions.some(({ name }) => name === "cook")).toBe(false);
    expect(actions.map(({ name }) => name)).toContain("validate_ip");
  });
});

test("health and readiness are typed too", async () => {
  const { version } = await (await client.health.$get()).json();
  expectTypeOf(version).toEqualTypeOf<string | undefined>();
  const ready = await client.ready.$get();
  expectTypeOf(ready.status).toEqualTypeOf<200 | 503>();
  expect(await ready.json()).toEqual({ ready: true, checks: { api: "ok", database: "ok" } });
});

test("wrong calls do not compile", () => {
  const requests = () => [
    // @ts-expect-error a new book needs a year
    client.books.$post({ json: { title: "Emma", author: "Jane Austen" } }),
    // @ts-expect-error a year is a number
    client.books.$post({ json: { title: "Emma", author: "Jane Austen", year: "1815" } }),
    // @ts-expect-error books have no price
    client.books[":id"].$patch({ param: { id: "1" }, json: { price: 3 } }),
    // @ts-expect-error books cannot be sorted by price
    client.books.$get({ query: { sort: "price" } }),
    // @ts-expect-error a book has a path parameter
    client.books[":id"].$get(),
    // @ts-expect-error there is no such action
    client.api.v1.process.$post({ json: { action: "shout", data: "a" } }),
    // @ts-expect-error this action takes an address
    client.api.v1.process.$post({ json: { action: "validate_ip", data: "a" } }),
    // @ts-expect-error there is no such route
    client.shelves.$get(),
  ];
  expect(requests).toBeFunction();
});
