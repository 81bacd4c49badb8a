import { describe, expect } from "bun:test";
import {
  type Api,
  type Book,
  bookFields,
  createBook,
  JSON_TYPE,
  PROCESS,
  readJson,
} from "./api.ts";
import { test } from "./case.ts";
import { expectProblem, expectUnauthorized } from "./expectations.ts";
import { BODY_ROUTES, pathOf } from "./routes.ts";

const MAX_BODY_BYTES = 1_048_576;
const CHUNK_BYTES = 65_536;

/** An echo request of exactly this many bytes. */
function echoOf(bytes: number): string {
  const [head, tail] = ['{"action":"echo","data":"', '"}'];
  return head + "x".repeat(Math.max(0, bytes - head.length - tail.length)) + tail;
}

/** One byte more than the service takes. */
export const OVERSIZED = echoOf(MAX_BODY_BYTES + 1);

/** The same bytes without a length known beforehand: a chunked body over HTTP/1.1. */
function chunked(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let sent = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(sent, sent + CHUNK_BYTES));
      sent += CHUNK_BYTES;
    },
  });
}

export function limitsContract(api: Api): void {
  const sendChunked = (path: string, text: string) => {
    const init: RequestInit & { duplex: "half" } = {
      method: "POST",
      headers: { ...JSON_TYPE, "X-API-Key": api.key() },
      body: chunked(text),
      duplex: "half",
    };
    return api.send(path, init);
  };

  const expectEcho = async (response: Response) => {
    expect(response.status).toBe(200);
    const { data } = await readJson<{ data: string }>(response);
    expect(data).toHaveLength(MAX_BODY_BYTES - echoOf(0).length);
  };

  describe("body size", () => {
    test("a body of exactly the limit is taken", async () => {
      await expectEcho(await api.text("POST", PROCESS, echoOf(MAX_BODY_BYTES)));
    });

    test("a chunked body of exactly the limit is taken", async () => {
      await expectEcho(await sendChunked(PROCESS, echoOf(MAX_BODY_BYTES)));
    });

    for (const path of [PROCESS, "/books", "/api/v1/books"]) {
      test(`POST ${path} refuses one byte more`, async () => {
        const response = await api.text("POST", path, OVERSIZED);
        await expectProblem(response, 413, "Request body too large");
      });

      test(`POST ${path} refuses one byte more in chunks`, async () => {
        const response = await sendChunked(path, OVERSIZED);
        await expectProblem(response, 413, "Request body too large");
      });
    }

    for (const method of ["PUT", "PATCH"]) {
      test(`${method} of a book refuses one byte more`, async () => {
        const { id } = await createBook(api);
        const response = await api.text(method, `/books/${id}`, OVERSIZED);
        await expectProblem(response, 413, "Request body too large");
      });
    }

    test("a stranger's oversized body is refused for its key", async () => {
      const init = { method: "POST", headers: JSON_TYPE, body: OVERSIZED };
      await expectUnauthorized(await api.send(PROCESS, init), "API key required");
    });

    test("the service goes on after an oversized body", async () => {
      expect((await api.text("POST", "/books", OVERSIZED)).status).toBe(413);
      expect((await api.post("/books", bookFields())).status).toBe(201);
    });

    test("a body nested half a million deep is answered or refused, never a fault", async () => {
      const deep = "[".repeat(500_000) + "]".repeat(500_000);
      const response = await api.text("POST", PROCESS, `{"action":"echo","data":${deep}}`);
      expect(response.status).toBeOneOf([200, 400]);
      const text = await response.text();
      expect(text.includes(response.status === 200 ? deep : '"success":false')).toBe(true);
    });
  });

  describe("media type", () => {
    const taken = [
      "application/json",
      "application/json; charset=utf-8",
      "Application/JSON",
      "application/vnd.api+json",
      "application/json ; charset=utf-8",
      "application/json;",
      "application/json;charset=utf-8;",
      "application/json; charset=UTF-8",
      'application/json; charset="utf-8"',
      "application/json;charset=us-ascii",
      "application/json;odata.metadata=minimal",
      'application/json; profile="a;b"',
      "application/vnd.example.v1+json",
      "APPLICATION/LD+JSON; Profile=x",
    ];
    for (const type of taken) {
      test(`${type} is taken for books`, async () => {
        const headers = { "Content-Type": type };
        const created = await api.post("/books", bookFields(), headers);
        expect(created.status).toBe(201);
        const { id } = await readJson<Book>(created);
        for (const change of [api.put, api.patch]) {
          expect((await change(`/books/${id}`, { year: 1 }, headers)).status).toBe(200);
        }
      });

      test(`${type} is taken`, async () => {
        const response = await api.post(PROCESS, { action: "echo" }, { "Content-Type": type });
        expect(response.status).toBe(200);
        expect(await readJson<unknown>(response)).toMatchObject({ action: "echo" });
      });
    }

    const charsets = ["iso-8859-1", "utf-16", "windows-1252", '"latin1"'];
    const encodings = ["gzip", "br", "deflate", "zstd", "GZIP", "gzip, gzip"];
    for (const { method, template } of BODY_ROUTES) {
      const send = async (
        headers: Record<string, string>,
        body?: string | Uint8Array<ArrayBuffer>,
      ) =>
        api.send(await pathOf(api, template), {
          method,
          headers: { ...JSON_TYPE, "X-API-Key": api.key(), ...headers },
          body: body ?? JSON.stringify({ year: 1 }),
        });

      for (const charset of charsets) {
        test(`${method} ${template} refuses the charset ${charset} by name`, async () => {
          const type = { "Content-Type": `application/json; charset=${charset}` };
          // The letter ü in Latin-1, which is no UTF-8.
          for (const body of [undefined, new Uint8Array([0x22, 0xfc, 0x22])]) {
            const response = await send(type, body);
            expect(response.headers.get("Accept")).toBe("application/json");
            expect(response.headers.get("Accept-Encoding")).toBeNull();
            const { detail } = await expectProblem(response, 415, "Unsupported media type");
            expect(detail).toContain(charset.replaceAll('"', ""));
          }
        });
      }

      for (const encoding of encodings) {
        test(`${method} ${template} refuses the encoding ${encoding} by name`, async () => {
          const zipped = new Uint8Array([0x1f, 0x8b, 0x08, 0x00]);
          for (const body of [undefined, zipped]) {
            const response = await send({ "Content-Encoding": encoding }, body);
            expect(response.headers.get("Accept-Encoding")).toBe("identity");
            const { detail } = await expectProblem(response, 415, "Unsupported content encoding");
            expect(detail).toBe(`Send the body uncompressed; its Content-Encoding is ${encoding}.`);
          }
        });
      }

      for (const type of ["json", "application/json charset=utf-8", 'application/json;a="b']) {
        test(`${method} ${template} refuses the malformed type ${type}`, async () => {
          const response = await send({ "Content-Type": type });
          const { detail } = await expectProblem(response, 415, "Unsupported media type");
          expect(detail).toContain(`malformed: ${type}`);
        });
      }
    }

    test("the encoding identity is none", async () => {
      const headers = { "Content-Encoding": "identity" };
      expect((await api.post(PROCESS, { action: "echo" }, headers)).status).toBe(200);
    });

    const refused = ["text/plain", "text/json", "application/jsonp", "multipart/form-data", ""];
    for (const type of [...refused, "application/x-www-form-urlencoded", "application/xml"]) {
      for (const path of [PROCESS, "/books", "/api/v1/books"]) {
        test(`${type || "no type"} is refused at ${path}`, async () => {
          const headers: Record<string, string> = { "X-API-Key": api.key() };
          if (type !== "") headers["Content-Type"] = type;
          // Bytes, since fetch would call a string text/plain.
          const body = new TextEncoder().encode(JSON.stringify(bookFields()));
          const response = await api.send(path, { method: "POST", headers, body });
          await expectProblem(response, 415, "Unsupported media type");
        });
      }
    }

    for (const method of ["PUT", "PATCH"]) {
      test(`${method} of a book refuses text/plain`, async () => {
        const { id } = await createBook(api);
        const type = { "Content-Type": "text/plain" };
        const response = await api.text(method, `/books/${id}`, '{"year":1}', type);
        await expectProblem(response, 415, "Unsupported media type");
      });
    }
  });
}
