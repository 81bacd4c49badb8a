import { type Api, createBook } from "./api.ts";

/** Every route of the service and the methods it answers, HEAD and OPTIONS apart. */
export const ROUTES = [
  { template: "/", methods: ["GET"] },
  { template: "/health", methods: ["GET"] },
  { template: "/healthz", methods: ["GET"] },
  { template: "/ready", methods: ["GET"] },
  { template: "/openapi.json", methods: ["GET"] },
  { template: "/docs", methods: ["GET"] },
  { template: "/api/v1/process", methods: ["GET", "POST"] },
  { template: "/books", methods: ["GET", "POST"] },
  { template: "/api/v1/books", methods: ["GET", "POST"] },
  { template: "/books/{id}", methods: ["GET", "PUT", "PATCH", "DELETE"] },
  { template: "/api/v1/books/{id}", methods: ["GET", "PUT", "PATCH", "DELETE"] },
];

export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** The routes that need the key. */
export const KEYED_ROUTES = ROUTES.flatMap(({ template, methods }) =>
  methods.filter((method) => method !== "GET").map((method) => ({ method, template })),
);

/** The routes that take a body. */
export const BODY_ROUTES = KEYED_ROUTES.filter(({ method }) => method !== "DELETE");

/** A path of this route that answers, with a book of its own where the route has an id. */
export async function pathOf(api: Api, template: string): Promise<string> {
  if (!template.includes("{id}")) return template;
  return template.replace("{id}", String((await createBook(api)).id));
}
