import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { type Entry, type Resource, readScope, writeScope } from "../../src/resources/resource.ts";
import { freshDatabase } from "../postgres.ts";
import { SERVICE_ITSELF } from "../program.ts";
import { API_KEY, newDirectory, runToEnd, startService } from "../service.ts";
import { inputOf, requiredOf, valuesOf, wrongValueOf } from "./values.ts";

// A database server takes its time to start on a busy machine.
setDefaultTimeout(60_000);

type Page = { items: Entry[]; next_cursor: string | null };
type Problem = { errors?: { path: string }[] };

const STORES = ["memory", "SQLite", "PostgreSQL"] as const;

/** A service that runs, with the key `API_KEY`. */
export type Target = { url: string; close: () => Promise<void> };

async function databaseOf(store: (typeof STORES)[number]) {
  if (store === "PostgreSQL") return freshDatabase();
  const url = store === "memory" ? "memory:" : `sqlite:${newDirectory()}/entries.db`;
  return { url, drop: async () => {} };
}

/** What every resource promises, over HTTP and through commands, with entries made of its definition. */
export function resourceContract(resource: Resource): void {
  for (const store of STORES) {
    httpContractOf(resource, store, async () => {
      const { url, drop } = await databaseOf(store);
      const env = { DATABASE_URL: url, SEED: "false" };
      const service = await startService({ command: SERVICE_ITSELF, env });
      return {
        url: service.url,
        close: async () => {
          await service[Symbol.asyncDispose]();
          await drop();
        },
      };
    });
  }
  commandsContract(resource);
}

/** What a resource promises over HTTP. */
export function httpContractOf(
  resource: Resource,
  where: string,
  open: () => Promise<Target>,
): void {
  const { name, fields, search, filter, sort } = resource;
  const path = `/${name}`;
  const input = inputOf(resource);
  const other = inputOf(resource, { other: true });

  describe(`${name} on ${where}`, () => {
    let service: Target;

    beforeAll(async () => {
      service = await open();
    });

    afterAll(() => service.close());

    const send = (method: string, path: string, body?: unknown, headers: object = {}) =>
      fetch(service.url + path, {
        method,
        headers: { "X-API-Key": API_KEY, "Content-Type": "application/json", ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    const add = async (body: object = input) => {
      const response = await send("POST", path, body);
      expect(response.status).toBe(201);
      return (await response.json()) as Entry;
    };
    const list = async (query: Record<string, string>) => {
      const response = await send("GET", `${path}?${new URLSearchParams(query)}`);
      expect(response.status).toBe(200);
      return (await response.json()) as Page;
    };
    const expectInvalid = async (response: Response, field: string) => {
      expect(response.status).toBe(400);
      const { errors = [] } = (await response.json()) as Problem;
      expect(errors.map((each) => each.path)).toContain(field);
    };

    test("an entry is added, read, changed and deleted", async () => {
      const entry = await add();
      expect(entry).toMatchObject(input);
      const own = `${path}/${entry.id}`;
      const read = await send("GET", own);
      expect(await read.json()).toEqual(entry);
      const condition = { "If-Match": read.headers.get("ETag") ?? "none" };

      for (const method of ["PUT", "PATCH"]) {
        for (const [name, value] of Object.entries(other)) {
          const response = await send(method, own, { [name]: value });
          expect(response.status).toBe(200);
          expect(await response.json()).toMatchObject({ [name]: value });
        }
      }
      expect(await (await send("GET", `/api/v1${own}`)).json()).toMatchObject(other);
      expect((await send("PATCH", own, input, condition)).status).toBe(412);

      expect((await send("DELETE", own)).status).toBe(204);
      expect((await send("GET", own)).status).toBe(404);
    });

    test("an optional field may be left out, and is null", async () => {
      const required = requiredOf(resource, input);
      const missing = Object.keys(fields).filter((each) => !(each in required));
      const nulls = Object.fromEntries(missing.map((each) => [each, null]));
      expect(await add(required)).toMatchObject({ ...required, ...nulls });
      expect(await add({ ...required, ...nulls })).toMatchObject(nulls);
    });

    for (const [name, field] of Object.entries(fields)) {
      test(`${name} is refused where it is wrong${field.optional ? "" : ", or missing"}`, async () => {
        const wrong = { ...input, [name]: wrongValueOf(field) };
        await expectInvalid(await send("POST", path, wrong), name);
        const { [name]: _, ...rest } = input;
        if (!field.optional) await expectInvalid(await send("POST", path, rest), name);
      });
    }

    test("an unknown field is refused by name", async () => {
      await expectInvalid(
        await send("POST", path, { ...input, no_such_field: 1 }),
        "no_such_field",
      );
    });

    for (const field of ["id", ...sort]) {
      test(`lists are sorted by ${field}, page by page`, async () => {
        await add();
        await add(other);
        const all = (await list({ sort: field, limit: "200" })).items;
        const down = (await list({ sort: `-${field}`, limit: "200" })).items;
        expect(down.map((each) => each[field])).toEqual(all.map((each) => each[field]).reverse());
        const { items, next_cursor } = await list({ sort: field, limit: "1" });
        expect(items).toEqual(all.slice(0, 1));
        const next = await list({ sort: field, limit: "1", cursor: next_cursor ?? "none" });
        expect(next.items).toEqual(all.slice(1, 2));
      });
    }

    for (const field of filter) {
      test(`lists are filtered by ${field}`, async () => {
        const { [field]: definition } = fields;
        for (const value of definition ? valuesOf(definition) : []) {
          const { id } = await add({ ...input, [field]: value });
          const { items } = await list({ [field]: String(value), limit: "200" });
          expect(items.map((each) => each.id)).toContain(id);
          expect(new Set(items.map((each) => each[field]))).toEqual(new Set([value]));
        }
      });
    }

    for (const field of search) {
      test(`q finds the words of ${field}`, async () => {
        const word = `w${crypto.randomUUID().slice(0, 8)}`;
        const fits = fields[field]?.schema(field).safeParse(word).success;
        const text = fits ? word : String(input[field]);
        const entry = await add({ ...input, [field]: text });
        const { items } = await list({ q: text, sort: "-id" });
        expect(items[0]).toEqual(entry);
        expect((await list({ q: `x${word}` })).items).toEqual([]);
      });
    }

    test("a repeated POST with the same Idempotency-Key adds one entry", async () => {
      const key = { "Idempotency-Key": crypto.randomUUID() };
      const [first, second] = [
        await (await send("POST", path, input, key)).json(),
        await (await send("POST", path, input, key)).json(),
      ];
      expect(second).toEqual(first);
    });

    test("writing needs a key", async () => {
      for (const [method, own] of [
        ["POST", path],
        ["PUT", `${path}/1`],
        ["PATCH", `${path}/1`],
        ["DELETE", `${path}/1`],
      ] as const) {
        expect((await send(method, own, input, { "X-API-Key": "" })).status).toBe(401);
      }
    });

    test("the OpenAPI document has its paths and its scopes", async () => {
      const document = await (await send("GET", "/openapi.json")).text();
      const { paths } = JSON.parse(document) as { paths: Record<string, object> };
      expect(Object.keys(paths[path] ?? {})).toEqual(["get", "post"]);
      expect(Object.keys(paths[`${path}/{id}`] ?? {})).toEqual(["get", "put", "patch", "delete"]);
      expect(document).toContain(`"${writeScope(resource)}"`);
    });
  });
}

function commandsContract(resource: Resource): void {
  const { name } = resource;

  test(`${name} have scopes that keys can be made with`, async () => {
    const scopes = `${readScope(resource)},${writeScope(resource)}`;
    const command = [...SERVICE_ITSELF, "key", "new", "somebody", "--scope", scopes];
    expect(await runToEnd(command)).toMatchObject({ code: 0 });
  });

  test(`${name} go into an export and a backup, and come back the same`, async () => {
    const directory = newDirectory();
    const run = async (database: string, ...args: string[]) => {
      const env = { DATABASE_URL: `sqlite:${directory}/${database}.db` };
      const { code, stdout, stderr } = await runToEnd([...SERVICE_ITSELF, ...args], env, {
        directory,
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
      return stdout;
    };
    const lines = [inputOf(resource), inputOf(resource, { other: true })].map((each) =>
      JSON.stringify(each),
    );
    await Bun.write(join(directory, "new.ndjson"), lines.join("\n"));
    await run("first", "import", name, "new.ndjson");
    const exported = await run("first", "export", name, "-");
    expect(
      exported
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toMatchObject(lines.map((line) => JSON.parse(line)));
    await run("first", "backup", "backup.db");
    await run("second", "restore", "backup.db");
    expect(await run("second", "export", name, "-")).toBe(exported);
  });
}
