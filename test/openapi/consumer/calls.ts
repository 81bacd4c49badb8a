// Makes every call of the API through a client that is generated from its document:
//
//   bun calls.ts URL KEY
import createClient from "openapi-fetch";
import type { components, paths } from "./api.d.ts";

const [baseUrl = "", key = ""] = process.argv.slice(2);
const api = createClient<paths>({ baseUrl, headers: { "X-API-Key": key } });

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** What was answered. @throws {Error} for any other answer than the described success. */
function expectData<T>({ data, error, response }: Answer<T>): T {
  if (data === undefined) throw new Error(`${response.status} ${JSON.stringify(error)}`);
  return data;
}

const body: components["schemas"]["BookInput"] = { title: "Emma", author: "Austen", year: 1815 };
const added = expectData(
  await api.POST("/books", { body, params: { header: { "Idempotency-Key": "emma" } } }),
);
const params = { path: { id: added.id } };
const got = expectData(await api.GET("/books/{id}", { params }));
const changed = expectData(await api.PATCH("/books/{id}", { params, body: { year: 1816 } }));
const put = expectData(await api.PUT("/books/{id}", { params, body: { title: "Emma I" } }));
const page = expectData(
  await api.GET("/books", { params: { query: { limit: 10, sort: "-year", author: "Austen" } } }),
);
const { response: deleted } = await api.DELETE("/books/{id}", { params });

const { error: problem } = await api.GET("/books/{id}", { params });
const detail: string = problem?.detail ?? "";

const { actions } = expectData(await api.GET("/api/v1/process"));
const ran = expectData(
  await api.POST("/api/v1/process", { body: { action: "validate_ip", ip: "192.0.2.1" } }),
);

const health = expectData(await api.GET("/health"));
const ready = expectData(await api.GET("/ready"));
const alive = expectData(await api.GET("/healthz", { parseAs: "text" }));
const greeting = expectData(await api.GET("/", { parseAs: "text" }));
const { openapi } = expectData(await api.GET("/openapi.json"));
const docs = expectData(await api.GET("/docs", { parseAs: "text" }));

// The types are what the compiler checks here: a year is a number, and so on.
const years: number[] = [got.year, changed.year, put.year, ...page.items.map(({ year }) => year)];
console.log(
  JSON.stringify({
    ...{ years, title: put.title, deleted: deleted.status, detail },
    ...{ actions: actions.map(({ name }) => name), ran: ran.action },
    ...{ status: health.status, ready: ready.checks.database, alive, greeting, openapi },
    page: docs.slice(0, 15),
  }),
);
