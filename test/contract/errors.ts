import { describe, expect } from "bun:test";
import { type Api, bookFields, createBook, PROCESS, type Problem } from "./api.ts";
import { test } from "./case.ts";
import { expectNoBody, expectProblem, listed } from "./expectations.ts";
import { METHODS, pathOf, ROUTES } from "./routes.ts";

export function errorsContract(api: Api): void {
  describe("unknown endpoints", () => {
    const unknown = [
      "/nope",
      "/api",
      "/api/v1",
      "/api/v2/books",
      "/api/v1/health",
      "/process",
      "/books/",
      "/api/v1/books/",
      "/books/1/2",
      "/health/",
      "/docs/no-such-asset.js",
      "/.env",
      "/%",
      "/%E0%A4%A",
      "/%00",
      "/nope?limit=1",
    ];
    for (const path of unknown) {
      test(`GET ${path} is a 404`, async () => {
        await expectProblem(await api.get(path), 404, "Endpoint not found");
      });
    }

    for (const method of [...METHODS, "OPTIONS"]) {
      test(`${method} /nope is a 404, with or without a key`, async () => {
        const headers = { "X-API-Key": api.key() };
        await expectProblem(await api.send("/nope", { method }), 404, "Endpoint not found");
        await expectProblem(
          await api.send("/nope", { method, headers }),
          404,
          "Endpoint not found",
        );
      });
    }

    test("HEAD /nope is a 404 without a body", async () => {
      const response = await api.head("/nope");
      expect(response.headers.get("Content-Type")).toMatch(/^application\/problem\+json\b/);
      await expectNoBody(response, 404);
    });
  });

  describe("methods", () => {
    for (const { template, methods } of ROUTES) {
      const allowed = [...methods, "HEAD"].sort();
      const named = (response: Response) =>
        listed(response, "Allow").filter((method) => method !== "OPTIONS");

      test(`OPTIONS ${template} allows ${allowed.join(", ")}`, async () => {
        const response = await api.options(await pathOf(api, template));
        expect(named(response)).toEqual(allowed);
        await expectNoBody(response, 204);
      });

      test(`HEAD ${template} is GET without the body`, async () => {
        const path = await pathOf(api, template);
        const [head, get] = await Promise.all([api.head(path), api.get(path)]);
        expect(get.status).toBe(200);
        for (const header of ["Content-Type", "Cache-Control", "ETag", "Content-Security-Policy"]) {
          expect(head.headers.get(header)).toBe(get.headers.get(header));
        }
        await expectNoBody(head, 200);
      });

      // Where the answer says the time, its length may change between the two.
      if (!["/", "/health"].includes(template)) {
        test(`HEAD ${template} says how long the answer to GET is`, async () => {
          const path = await pathOf(api, template);
          const [head, get] = await Promise.all([api.head(path), api.get(path)]);
          const { byteLength } = await get.arrayBuffer();
          expect(head.headers.get("Content-Length")).toBe(String(byteLength));
        });
      }

      for (const method of METHODS.filter((each) => !methods.includes(each))) {
        test(`${method} ${template} is a 405 that says what is allowed`, async () => {
          const headers = { "X-API-Key": api.key() };
          const response = await api.send(await pathOf(api, template), { method, headers });
          expect(named(response)).toEqual(allowed);
          await expectProblem(response, 405, "Method not allowed");
        });
      }
    }
  });

  describe("bodies", () => {
    const malformed = ["{", "{'title':1}", '{"title":', "not json", '{"a":1}}', "[1,]", "\u0000"];
    const writers = [
      { method: "POST", template: PROCESS },
      { method: "POST", template: "/books" },
      { method: "PUT", template: "/books/{id}" },
      { method: "PATCH", template: "/books/{id}" },
    ];

    for (const { method, template } of writers) {
      for (const text of malformed) {
        test(`${method} ${template} refuses ${JSON.stringify(text)} as malformed`, async () => {
          const response = await api.text(method, await pathOf(api, template), text);
          await expectProblem(response, 400, "Malformed JSON");
        });
      }

      test(`${method} ${template} refuses bytes that are no UTF-8`, async () => {
        const response = await api.send(await pathOf(api, template), {
          method,
          headers: { "X-API-Key": api.key(), "Content-Type": "application/json" },
          body: new Uint8Array(
            [...'{"title":"'].map((c) => c.charCodeAt(0)).concat(0xff, 0x22, 0x7d),
          ),
        });
        await expectProblem(response, 400, "Malformed JSON");
      });

      test(`${method} ${template} refuses a request without a body`, async () => {
        const headers = { "X-API-Key": api.key() };
        const response = await api.send(await pathOf(api, template), { method, headers });
        await expectProblem(response, 400, "No data provided");
      });

      test(`${method} ${template} refuses an empty body`, async () => {
        const response = await api.text(method, await pathOf(api, template), "");
        await expectProblem(response, 400, "No data provided");
      });
    }

    const many = Array.from({ length: 500 }, (_, index) => `field_${index}`);
    const fields = JSON.stringify(Object.fromEntries(many.map((name) => [name, 1])));
    const long = "x".repeat(500_000);
    const excessive: { what: string; says: RegExp; ask: () => Promise<Response> }[] = [
      {
        what: "500 unknown parameters",
        says: /field_19: .*; and 480 more$/,
        ask: () => api.get(`/books?${many.join("&")}`),
      },
      {
        what: "500 unknown fields of a book",
        says: /^title: .*; and 483 more$/,
        ask: () => api.text("POST", "/books", fields),
      },
      {
        what: "500 unknown fields of an action",
        says: /field_19: .*; and 480 more$/,
        ask: () => api.text("POST", PROCESS, fields.replace("{", '{"action":"echo",')),
      },
      {
        what: "an unknown field with a long name",
        says: /x\u2026: /,
        ask: () => api.post("/books", { ...bookFields(), [long]: 1 }),
      },
      {
        what: "an unknown action with a long name",
        says: /knows/,
        ask: () => api.post(PROCESS, { action: long }),
      },
    ];
    for (const { what, says, ask } of excessive) {
      test(`${what} get a short answer`, async () => {
        const response = await ask();
        expect(response.status).toBe(400);
        const text = await response.text();
        expect(text.length).toBeLessThan(8192);
        const { detail, errors = [] } = JSON.parse(text) as Problem;
        expect(detail).toMatch(says);
        expect(errors.length).toBeLessThanOrEqual(20);
      });
    }

    test("an error does not repeat the body that caused it", async () => {
      const secret = "s3cret-in-a-body";
      const response = await api.text("POST", "/books", `{"title":"${secret}"`);
      const problem = await expectProblem(response, 400, "Malformed JSON");
      expect(JSON.stringify(problem)).not.toContain(secret);
    });

    test("a refused change leaves the book as it was", async () => {
      const book = await createBook(api);
      const response = await api.text("PATCH", `/books/${book.id}`, '{"title":');
      await expectProblem(response, 400, "Malformed JSON");
      expect(await (await api.get(`/books/${book.id}`)).json()).toEqual(book);
    });
  });
}
