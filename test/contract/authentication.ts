import { describe, expect } from "bun:test";
import { type Api, createBook, JSON_TYPE, PROCESS, readBook, uniqueWord } from "./api.ts";
import { test } from "./case.ts";
import { expectProblem, expectUnauthorized } from "./expectations.ts";
import { KEYED_ROUTES, pathOf, ROUTES } from "./routes.ts";

export function authenticationContract(api: Api): void {
  const echo = (headers: Record<string, string>, path = PROCESS) =>
    api.send(path, {
      method: "POST",
      headers: { ...JSON_TYPE, ...headers },
      body: '{"action":"echo"}',
    });

  describe("API key", () => {
    for (const { method, template } of KEYED_ROUTES) {
      test(`${method} ${template} needs one`, async () => {
        const response = await api.send(await pathOf(api, template), { method });
        await expectUnauthorized(response, "API key required");
      });

      test(`${method} ${template} refuses a wrong one`, async () => {
        const headers = { "X-API-Key": uniqueWord() };
        const response = await api.send(await pathOf(api, template), { method, headers });
        await expectUnauthorized(response, "Invalid API key");
      });
    }

    for (const { template } of ROUTES) {
      test(`GET ${template} needs none`, async () => {
        expect((await api.get(await pathOf(api, template))).status).toBe(200);
      });
    }

    const ways: { what: string; headers: (key: string) => Record<string, string> }[] = [
      { what: "X-API-Key", headers: (key) => ({ "X-API-Key": key }) },
      { what: "Authorization: Bearer", headers: (key) => ({ Authorization: `Bearer ${key}` }) },
      { what: "Authorization: bearer", headers: (key) => ({ Authorization: `bearer ${key}` }) },
      { what: "Authorization: BEARER", headers: (key) => ({ Authorization: `BEARER ${key}` }) },
      {
        what: "Authorization: Bearer next to an empty X-API-Key",
        headers: (key) => ({ "X-API-Key": "", Authorization: `Bearer ${key}` }),
      },
      {
        what: "X-API-Key next to a wrong bearer token",
        headers: (key) => ({ "X-API-Key": key, Authorization: "Bearer wrong" }),
      },
    ];
    for (const { what, headers } of ways) {
      test(`is taken from ${what}`, async () => {
        expect((await echo(headers(api.key()))).status).toBe(200);
      });
    }

    const wrong: { what: string; headers: (key: string) => Record<string, string> }[] = [
      { what: "cut short", headers: (key) => ({ "X-API-Key": key.slice(0, -1) }) },
      { what: "with more after it", headers: (key) => ({ "X-API-Key": `${key}x` }) },
      { what: "of one letter", headers: () => ({ "X-API-Key": "x" }) },
      { what: "of a thousand letters", headers: () => ({ "X-API-Key": "x".repeat(1000) }) },
      { what: "as a wrong bearer token", headers: () => ({ Authorization: "Bearer wrong" }) },
      {
        what: "next to a right bearer token",
        headers: (key) => ({ "X-API-Key": "wrong", Authorization: `Bearer ${key}` }),
      },
    ];
    for (const { what, headers } of wrong) {
      test(`a wrong one ${what} is refused`, async () => {
        await expectUnauthorized(await echo(headers(api.key())), "Invalid API key");
      });
    }

    test("an empty one is none", async () => {
      await expectUnauthorized(await echo({ "X-API-Key": "" }), "API key required");
      const headers = { "X-API-Key": "", Authorization: "Bearer wrong" };
      await expectUnauthorized(await echo(headers), "Invalid API key");
    });

    test("is not taken from another scheme", async () => {
      expect((await echo({ Authorization: `Basic ${api.key()}` })).status).toBe(401);
    });

    test("is not taken from the query", async () => {
      const response = await echo({}, `${PROCESS}?api_key=${encodeURIComponent(api.key())}`);
      await expectUnauthorized(response, "API key required");
    });

    test("is not repeated in a refusal", async () => {
      const wrongKey = uniqueWord();
      const response = await echo({ "X-API-Key": wrongKey });
      const problem = await expectProblem(response, 401, "Invalid API key");
      expect(JSON.stringify([problem, ...response.headers])).not.toContain(wrongKey);
    });

    const unread = [
      { what: "malformed JSON", headers: JSON_TYPE, body: "{" },
      { what: "a wrong media type", headers: { "Content-Type": "text/plain" }, body: "x" },
      { what: "an invalid book", headers: JSON_TYPE, body: "{}" },
    ];
    for (const { what, headers, body } of unread) {
      test(`is asked for before ${what} is looked at`, async () => {
        const response = await api.send("/books", { method: "POST", headers, body });
        await expectUnauthorized(response, "API key required");
      });
    }

    test("is asked for before a book is looked up", async () => {
      const response = await api.send("/books/0", { method: "DELETE" });
      await expectUnauthorized(response, "API key required");
    });

    test("a refused write changes nothing", async () => {
      const book = await createBook(api);
      for (const method of ["PUT", "PATCH", "DELETE"]) {
        const init = { method, headers: JSON_TYPE, body: '{"title":"Changed"}' };
        expect((await api.send(`/books/${book.id}`, init)).status).toBe(401);
      }
      expect(await readBook(api, book.id)).toEqual(book);
    });
  });
}
