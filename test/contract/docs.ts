import { describe, expect } from "bun:test";
import { type Api, BOOKS, createBook, PROCESS, readJson, resolvePath } from "./api.ts";
import { test } from "./case.ts";
import { KEYED_ROUTES, ROUTES } from "./routes.ts";

type Operation = {
  operationId?: string;
  summary?: string;
  description?: string;
  security?: unknown[];
  parameters?: { name: string }[];
  responses?: Record<string, unknown>;
  requestBody?: { content?: Record<string, { schema?: unknown }> };
};
type Document = {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  security?: unknown[];
  components?: { securitySchemes?: Record<string, unknown> };
};

/** The routes that the document lists: of the two paths of books, it has the first. */
const DESCRIBED = ROUTES.filter(({ template }) => !template.startsWith(BOOKS[1]));

/** Every object of a JSON document, itself included. */
function objectsIn(value: unknown): Record<string, unknown>[] {
  if (typeof value !== "object" || value === null) return [];
  return [value as Record<string, unknown>, ...Object.values(value).flatMap(objectsIn)];
}

/** What a local reference (`#/components/…`) points at. */
function follow(document: unknown, reference: string): unknown {
  return reference
    .slice(2)
    .split("/")
    .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>(
      (value, part) => (value as Record<string, unknown> | undefined)?.[part],
      document,
    );
}

type Reference = { $ref?: string };

export function docsContract(api: Api): void {
  const readDocument = async () => readJson<Document>(await api.get("/openapi.json"));

  describe("OpenAPI", () => {
    test("is a 3.1 document with the service's name and version", async () => {
      const { openapi, info } = await readDocument();
      const { version } = await readJson<{ version: string }>(await api.get("/health"));
      expect(openapi).toMatch(/^3\.1\.\d+$/);
      expect(info).toMatchObject({ title: "Thimble", version });
    });

    test("says that its paths begin where it is itself", async () => {
      const { servers } = await readJson<{ servers: { url: string }[] }>(
        await api.get("/openapi.json"),
      );
      expect(servers.map(({ url }) => resolvePath(url, "/v1/openapi.json"))).toEqual(["/v1/"]);
    });

    for (const { template, methods } of DESCRIBED) {
      for (const method of methods) {
        test(`describes the answers of ${method} ${template}`, async () => {
          const { paths } = await readDocument();
          const operation = paths[template]?.[method.toLowerCase()];
          expect(Object.keys(operation?.responses ?? {})).toContainEqual(
            expect.stringMatching(/^2/),
          );
        });
      }
    }

    test("lists every operation once, at one of its paths", async () => {
      const { paths } = await readDocument();
      const listed = Object.entries(paths).flatMap(([path, operations]) =>
        Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
      );
      const expected = DESCRIBED.flatMap(({ template, methods }) =>
        methods.map((method) => `${method} ${template}`),
      );
      expect(listed.sort()).toEqual(expected.sort());
    });

    for (const { method, template } of KEYED_ROUTES) {
      if (!DESCRIBED.some((each) => each.template === template)) continue;
      test(`says that ${method} ${template} needs the key`, async () => {
        const { paths, security, components } = await readDocument();
        const operation = paths[template]?.[method.toLowerCase()];
        const needed = operation?.security ?? security ?? [];
        expect(needed).not.toBeEmpty();
        expect(needed).not.toContainEqual({});
        for (const scheme of needed.flatMap((each) => Object.keys(each ?? {}))) {
          expect(Object.keys(components?.securitySchemes ?? {})).toContain(scheme);
        }
        const answers = Object.keys(operation?.responses ?? {});
        expect(answers).toEqual(expect.arrayContaining(["401", "403", "429"]));
      });
    }

    for (const path of [BOOKS[0]]) {
      for (const method of ["get", "put", "patch", "delete"]) {
        test(`names the preconditions of ${method.toUpperCase()} ${path}/{id}, and its 412`, async () => {
          const { paths } = await readDocument();
          const operation = paths[`${path}/{id}`]?.[method];
          const names = operation?.parameters?.map(({ name }) => name);
          expect(names).toEqual(["id", "If-Match", "If-None-Match"]);
          expect(Object.keys(operation?.responses ?? {})).toContain("412");
        });
      }
    }

    for (const path of [BOOKS[0], PROCESS]) {
      test(`has a schema for the body of POST ${path}`, async () => {
        const { paths } = await readDocument();
        const body = paths[path]?.post?.requestBody;
        expect(body?.content?.["application/json"]?.schema).toBeObject();
      });
    }

    for (const path of [BOOKS[0]]) {
      for (const method of ["put", "patch"]) {
        test(`asks for no particular field of ${method.toUpperCase()} ${path}/{id}`, async () => {
          const document = await readDocument();
          const body = document.paths[`${path}/{id}`]?.[method]?.requestBody;
          const { $ref = "" } = (body?.content?.["application/json"]?.schema ?? {}) as Reference;
          const schema = follow(document, $ref) as { required?: string[]; properties: object };
          expect(Object.keys(schema.properties)).toEqual(["title", "author", "year"]);
          expect(schema.required ?? []).toEqual([]);
        });
      }
    }

    test("names the fields of a book", async () => {
      const names = objectsIn(await readDocument()).flatMap((each) =>
        Object.keys((each.properties as object | undefined) ?? {}),
      );
      const fields = ["id", "title", "author", "year", "created_at", "updated_at", "next_cursor"];
      expect(names).toEqual(expect.arrayContaining(fields));
    });

    test("names each operation, and says what it is for", async () => {
      const { paths } = await readDocument();
      const operations = Object.values(paths).flatMap((each) => Object.values(each));
      const ids = operations.map(({ operationId }) => operationId);
      expect(ids).toEqual([...new Set(ids)]);
      for (const { operationId, summary, description } of operations) {
        expect([operationId, summary, description]).not.toContainEqual(undefined);
      }
    });

    test("describes what the layers around the routes answer", async () => {
      const { paths } = await readDocument();
      for (const [path, operations] of Object.entries(paths)) {
        const isProbe = ["/health", "/healthz", "/ready"].includes(path);
        const statuses = ["400", "408", "414", "431", "500", ...(isProbe ? [] : ["429", "503"])];
        for (const { responses } of Object.values(operations)) {
          expect(Object.keys(responses ?? {})).toEqual(expect.arrayContaining(statuses));
        }
      }
    });

    test("has every header of an answer", async () => {
      const { paths } = await readDocument();
      const { id } = await createBook(api);
      const described = paths["/books/{id}"]?.get?.responses?.["200"] as { headers: object };
      const { headers } = await api.get(`/books/${id}`);
      for (const name of Object.keys(described.headers)) {
        if (!name.startsWith("RateLimit")) expect([name, headers.get(name)]).not.toContain(null);
      }
      expect(Object.keys(described.headers)).toContain("ETag");
    });

    test("has no reference that leads nowhere", async () => {
      const document = await readDocument();
      expect(document.paths).toBeObject();
      for (const { $ref } of objectsIn(document)) {
        if (typeof $ref !== "string") continue;
        expect($ref).toStartWith("#/");
        expect({ $ref, to: follow(document, $ref) }).toEqual({ $ref, to: expect.anything() });
      }
    });
  });

  describe("docs page", () => {
    test("is a page", async () => {
      const response = await api.get("/docs");
      expect(response.status).toBe(200);
      expect(response.headers.get("Content-Type")).toMatch(/^text\/html\b/);
      expect(await response.text()).toMatch(/<html/i);
    });

    test("is whole: its policy permits its own style and script, and it loads no others", async () => {
      const response = await api.get("/docs");
      const page = await response.text();
      expect(page).not.toMatch(/<(?:script|link|img)\b[^>]*\b(?:src|href)="(?!data:)/);
      const policy = response.headers.get("Content-Security-Policy") ?? "";
      for (const element of ["style", "script"]) {
        const [, source = ""] = new RegExp(`<${element}>([^]*?)</${element}>`).exec(page) ?? [];
        const hash = new Bun.CryptoHasher("sha256").update(source).digest("base64");
        expect(policy).toContain(`${element}-src 'sha256-${hash}';`);
      }
      expect(policy).not.toContain("unsafe");
    });

    test("has no inline event handlers and no javascript: links", async () => {
      const page = await (await api.get("/docs")).text();
      expect(page).toMatch(/<html/i);
      expect(page).not.toMatch(/<[^>]+\son\w+=|javascript:/i);
    });
  });
}
