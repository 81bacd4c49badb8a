import { describe, expect } from "bun:test";
import {
  type Api,
  type Book,
  createBook,
  currentEtag,
  etagOf,
  type HeaderFields,
  missingBook,
  readBook,
  readJson,
} from "./api.ts";
import { test } from "./case.ts";
import { expectInvalid, expectNoBody, expectProblem } from "./expectations.ts";
import { pathOf } from "./routes.ts";

const WRITES = [
  { method: "PUT", body: '{"year":1}', done: 200 },
  { method: "PATCH", body: '{"year":1}', done: 200 },
  { method: "DELETE", body: null, done: 204 },
];

export function etagsContract(api: Api): void {
  const write = (method: string, path: string, body: string | null, headers: HeaderFields) =>
    body === null ? api.remove(path, headers) : api.text(method, path, body, headers);

  /** What proxies that compress make of a tag, and clients then send. */
  const byProxies: { what: string; header: (etag: string) => string }[] = [
    { what: "the current tag, weak", header: (etag) => `W/${etag}` },
    ...["-gzip", "-br", "-zstd", "-deflate", "--gzip", ";gzip"].map((suffix) => ({
      what: `the current tag with ${suffix}`,
      header: (etag: string) => `${etag.slice(0, -1)}${suffix}"`,
    })),
    { what: "the current tag, weak, with -gzip", header: (etag) => `W/${etag.slice(0, -1)}-gzip"` },
  ];

  describe("If-None-Match", () => {
    const matching: { what: string; header: (etag: string) => string }[] = [
      { what: "the current tag", header: (etag) => etag },
      ...byProxies,
      { what: "*", header: () => "*" },
      { what: "a list with the current tag", header: (etag) => `"a", ${etag}, W/"b"` },
      { what: "a list without spaces", header: (etag) => `"a",${etag}` },
    ];
    for (const { what, header } of matching) {
      for (const method of ["GET", "HEAD"]) {
        test(`${method} with ${what} is a 304 with the tag and no body, nor a length of one`, async () => {
          const { id } = await createBook(api);
          const etag = await currentEtag(api, id);
          const headers = { "If-None-Match": header(etag) };
          const response = await api.send(`/books/${id}`, { method, headers });
          expect(response.headers.get("ETag")).toBe(etag);
          expect(response.headers.get("Content-Length")).toBeNull();
          await expectNoBody(response, 304);
        });
      }
    }

    const others: { what: string; header: (etag: string) => string }[] = [
      { what: "another tag", header: () => '"another"' },
      { what: "a list of other tags", header: () => '"a", "b"' },
      { what: "the tag without its quotes", header: (etag) => etag.slice(1, -1) },
      { what: "a part of the tag", header: (etag) => `${etag.slice(0, -2)}"` },
    ];
    for (const { what, header } of others) {
      test(`GET with ${what} answers the book`, async () => {
        const book = await createBook(api);
        const headers = { "If-None-Match": header(await currentEtag(api, book.id)) };
        const response = await api.get(`/books/${book.id}`, headers);
        expect(response.status).toBe(200);
        expect(await readJson<Book>(response)).toEqual(book);
      });
    }

    for (const path of ["/books", "/books/{id}"]) {
      test(`GET ${path} may be cached, and is asked for again each time`, async () => {
        const response = await api.get(await pathOf(api, path));
        expect(response.headers.get("Cache-Control")).toBe("no-cache");
      });
    }

    test("a 304 says how it may be cached, as the 200 did", async () => {
      const { id } = await createBook(api);
      const headers = { "If-None-Match": await currentEtag(api, id) };
      const response = await api.get(`/books/${id}`, headers);
      expect([response.status, response.headers.get("Cache-Control")]).toEqual([304, "no-cache"]);
    });

    for (const { method, body, done } of WRITES) {
      for (const { what, header } of matching) {
        test(`${method} with ${what} is a 412 and changes nothing`, async () => {
          const book = await createBook(api);
          const etag = header(await currentEtag(api, book.id));
          const headers = { "If-None-Match": etag };
          const response = await write(method, `/books/${book.id}`, body, headers);
          await expectProblem(response, 412, "Precondition failed");
          expect(await readBook(api, book.id)).toEqual(book);
        });
      }

      for (const { what, header } of others) {
        test(`${method} with ${what} is done`, async () => {
          const { id } = await createBook(api);
          const headers = { "If-None-Match": header(await currentEtag(api, id)) };
          expect((await write(method, `/books/${id}`, body, headers)).status).toBe(done);
        });
      }

      test(`${method} of a missing book with * is a 404`, async () => {
        const path = await missingBook(api);
        const response = await write(method, path, body, { "If-None-Match": "*" });
        await expectProblem(response, 404, "Book not found");
      });

      test(`${method} with a wrong one is a 412, though If-Match holds`, async () => {
        const book = await createBook(api);
        const etag = await currentEtag(api, book.id);
        const headers = { "If-Match": etag, "If-None-Match": etag };
        const response = await write(method, `/books/${book.id}`, body, headers);
        await expectProblem(response, 412, "Precondition failed");
        expect(await readBook(api, book.id)).toEqual(book);
      });
    }

    test("GET with the tag from before a change answers the changed book", async () => {
      const { id } = await createBook(api);
      const etag = await currentEtag(api, id);
      await api.patch(`/books/${id}`, { year: 5 });
      const response = await api.get(`/books/${id}`, { "If-None-Match": etag });
      expect(response.status).toBe(200);
      expect(await readJson<Book>(response)).toMatchObject({ id, year: 5 });
    });

    test("GET of a missing book is a 404, even with *", async () => {
      const response = await api.get(await missingBook(api), { "If-None-Match": "*" });
      await expectProblem(response, 404, "Book not found");
    });
  });

  describe("If-Match", () => {
    const matching: { what: string; header: (etag: string) => string }[] = [
      { what: "the current tag", header: (etag) => etag },
      ...byProxies,
      { what: "*", header: () => "*" },
      { what: "a list with the current tag", header: (etag) => `"a", ${etag}` },
      { what: "a list without spaces", header: (etag) => `${etag},"a"` },
    ];
    const stale: { what: string; header: (etag: string) => string }[] = [
      { what: "another tag", header: () => '"another"' },
      { what: "a list of other tags", header: () => '"a", "b"' },
      { what: "another tag, weak", header: () => 'W/"another"' },
      { what: "another tag with -gzip", header: () => '"another-gzip"' },
      { what: "the current tag with more", header: (etag) => `${etag.slice(0, -1)}-x"` },
    ];

    for (const method of ["GET", "HEAD"]) {
      const read = (id: number, headers: HeaderFields) =>
        api.send(`/books/${id}`, { method, headers });

      for (const { what, header } of matching) {
        test(`${method} with ${what} is answered`, async () => {
          const { id } = await createBook(api);
          const etag = await currentEtag(api, id);
          const response = await read(id, { "If-Match": header(etag) });
          expect([response.status, response.headers.get("ETag")]).toEqual([200, etag]);
        });
      }

      for (const { what, header } of stale) {
        test(`${method} with ${what} is a 412, even where If-None-Match makes it a 304`, async () => {
          const { id } = await createBook(api);
          const etag = await currentEtag(api, id);
          const headers = { "If-Match": header(etag) };
          expect((await read(id, headers)).status).toBe(412);
          expect((await read(id, { ...headers, "If-None-Match": etag })).status).toBe(412);
        });
      }
    }

    test("GET of a missing book is a 404, even with one that holds for none", async () => {
      const response = await api.get(await missingBook(api), { "If-Match": '"any"' });
      await expectProblem(response, 404, "Book not found");
    });

    test("an invalid change is a 400, even where it does not hold", async () => {
      const { id } = await createBook(api);
      const headers = { "If-Match": '"any"' };
      await expectInvalid(await api.patch(`/books/${id}`, { year: "x" }, headers), "year");
    });

    for (const { method, body, done } of WRITES) {
      for (const { what, header } of matching) {
        test(`${method} with ${what} is done`, async () => {
          const { id } = await createBook(api);
          const etag = header(await currentEtag(api, id));
          expect((await write(method, `/books/${id}`, body, { "If-Match": etag })).status).toBe(
            done,
          );
        });
      }

      for (const { what, header } of stale) {
        test(`${method} with ${what} is a 412 and changes nothing`, async () => {
          const book = await createBook(api);
          const etag = header(await currentEtag(api, book.id));
          const response = await write(method, `/books/${book.id}`, body, { "If-Match": etag });
          await expectProblem(response, 412, "Precondition failed");
          expect(await readBook(api, book.id)).toEqual(book);
        });
      }

      test(`${method} with the tag from before a change is a 412`, async () => {
        const { id } = await createBook(api);
        const etag = await currentEtag(api, id);
        const changed = await readJson<Book>(await api.patch(`/books/${id}`, { year: 5 }));
        const response = await write(method, `/books/${id}`, body, { "If-Match": etag });
        await expectProblem(response, 412, "Precondition failed");
        expect(await readBook(api, id)).toEqual(changed);
      });

      for (const etag of ["*", '"any"']) {
        test(`${method} of a missing book with ${etag} is a 404`, async () => {
          const response = await write(method, await missingBook(api), body, { "If-Match": etag });
          await expectProblem(response, 404, "Book not found");
        });
      }

      test(`of many ${method}s at once with one tag, exactly one is done`, async () => {
        const { id } = await createBook(api);
        const etag = await currentEtag(api, id);
        const responses = await Promise.all(
          Array.from({ length: 12 }, () =>
            write(method, `/books/${id}`, body, { "If-Match": etag }),
          ),
        );
        const statuses = responses.map((response) => response.status).sort();
        const lost = method === "DELETE" ? [404, 412] : [412];
        expect(statuses[0]).toBe(done);
        for (const status of statuses.slice(1)) expect(lost).toContain(status);
      });
    }

    test("the one PATCH that wins is the one that is kept", async () => {
      const { id } = await createBook(api);
      const headers = { "If-Match": await currentEtag(api, id) };
      const responses = await Promise.all(
        Array.from({ length: 12 }, (_, year) => api.patch(`/books/${id}`, { year }, headers)),
      );
      const won = responses.filter((response) => response.status === 200);
      const lost = responses.filter((response) => response.status === 412);
      expect([won.length, lost.length]).toEqual([1, 11]);
      for (const response of lost) await expectProblem(response, 412, "Precondition failed");
      for (const response of won) {
        expect(etagOf(response)).toBe(await currentEtag(api, id));
        expect(await readJson<Book>(response)).toEqual(await readBook(api, id));
      }
    });

    test("tags handed on from change to change keep working", async () => {
      const { id } = await createBook(api);
      let etag = await currentEtag(api, id);
      for (const year of [1, 2, 3]) {
        const response = await api.put(`/books/${id}`, { year }, { "If-Match": etag });
        expect(response.status).toBe(200);
        etag = etagOf(response);
      }
      await expectNoBody(await api.remove(`/books/${id}`, { "If-Match": etag }), 204);
    });
  });
}
