import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { invalidInput } from "../errors.ts";
import { jsonContent, KEY_PROBLEMS, keySecurity, problems } from "../http/describe.ts";
import type { AppEnv } from "../http/env.ts";
import { encodedPath } from "../http/paths.ts";
import { lazySchema, throwInvalid } from "../validation.ts";
import { type Book, bookChangesSchema, bookInputSchema, bookSchema } from "./book.ts";
import { encodeCursor } from "./cursor.ts";
import { entityTag, ifMatchHolds, ifNoneMatchNames } from "./entity-tag.ts";
import { bookChanged, bookNotFound } from "./errors.ts";
import { listParametersSchema, toBookQuery } from "./list-query.ts";
import type { BookStore, Precondition } from "./store.ts";

type BookDeps = {
  store: BookStore;
  /** Guards the routes that read; without it they are open. */
  readAccess?: MiddlewareHandler | undefined;
  /** Guards the routes that write. */
  writeAccess: MiddlewareHandler;
  /** Takes in a request's body (see json-body.ts). */
  receiveJson: MiddlewareHandler;
};

const TAGS = ["Books"];
const TEXT = { type: "string" } as const;
/**
 * Described here and read by the handlers: as schemas of the request, the library would validate them
 * asynchronously at every call, and there is nothing about them to validate.
 */
const ID_PARAMETER = {
  name: "id",
  in: "path",
  required: true,
  schema: { type: "integer", minimum: 1 },
  example: 1,
} as const;
const IF_MATCH = {
  name: "If-Match",
  in: "header",
  description: "The ETag that the book must still have.",
  schema: TEXT,
} as const;
const IF_NONE_MATCH = {
  name: "If-None-Match",
  in: "header",
  description: "An ETag that the book must not have, as it is known already.",
  schema: TEXT,
} as const;
const KEY_PATTERN = /^[\x20-\x7e]{1,255}$/;
const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  in: "header",
  description: "Repeats with the same API key within 24 hours get the first answer again.",
  schema: { ...TEXT, pattern: KEY_PATTERN.source },
} as const;
const jsonBody = <T extends z.ZodType>(schema: T) => ({
  required: true,
  content: { "application/json": { schema } },
});
const ETAG = { schema: TEXT, required: true } as const;
const LOCATION = { schema: TEXT, required: true, description: "Where the book is." } as const;
const LINK = { schema: TEXT, description: 'The next page, as rel="next" (RFC 8288).' } as const;
const pageSchema = lazySchema(() =>
  z.object({ items: z.array(bookSchema), next_cursor: z.string().nullable() }),
);

/** The books of a store, to be mounted at any path. */
export function bookRoutes({ store, readAccess, writeAccess, receiveJson }: BookDeps) {
  const app = new OpenAPIHono<AppEnv>({ defaultHook: throwInvalid });
  // Caches share what a key was needed for unless told otherwise: they know only of Authorization
  // (RFC 9111 section 3.5). Whatever they keep, they ask for again, which may be answered by a 304.
  const caching = { "Cache-Control": readAccess ? "private, no-cache" : "no-cache" };

  return app
    .openapi(listRoute(readAccess), async (c) => {
      const query = toBookQuery(c.req.valid("query"));
      const books = await store.list({ ...query, limit: query.limit + 1 });
      const items = books.slice(0, query.limit);
      const last = books.length > query.limit ? items.at(-1) : undefined;
      const cursor = last ? encodeCursor(last, query) : null;
      if (cursor !== null) c.header("Link", nextLink(c, cursor));
      return c.json({ items, next_cursor: cursor }, 200, caching);
    })
    .openapi(getRoute(readAccess), async (c) => {
      const book = await findBook(store, c.req.param("id"));
      const tag = entityTag(book);
      if (!ifMatchHolds(c.req.header("If-Match"), tag)) throw bookChanged(book.id);
      if (ifNoneMatchNames(c.req.header("If-None-Match"), tag)) {
        return c.body(null, 304, { ETag: tag, ...caching });
      }
      return c.json(book, 200, { ETag: tag, ...caching });
    })
    .openapi(createBookRoute([writeAccess, receiveJson]), async (c) => {
      const { book, replayed } = await store.create(c.req.valid("json"), idempotencyKey(c));
      if (replayed) c.header("Idempotency-Replayed", "true");
      const location = `${encodedPath(c)}/${book.id}`;
      return c.json(book, 201, { Location: location, ETag: entityTag(book) });
    })
    .openapi(updateRoute("put", [writeAccess, receiveJson]), async (c) =>
      answerBook(c, await changeBook(store, c, c.req.param("id"), c.req.valid("json"))),
    )
    .openapi(updateRoute("patch", [writeAccess, receiveJson]), async (c) =>
      answerBook(c, await changeBook(store, c, c.req.param("id"), c.req.valid("json"))),
    )
    .openapi(deleteRoute(writeAccess), async (c) => {
      const id = parseId(c.req.param("id"));
      await store.delete(id, await precondition(store, id, c));
      return c.body(null, 204);
    });
}

/** @throws {DomainError} `book_not_found` for what is no positive integer: there is no such book. */
function parseId(text: string): number {
  const id = Number(text);
  if (!/^[1-9]\d*$/.test(text) || !Number.isSafeInteger(id)) throw bookNotFound(text);
  return id;
}

function answerBook(c: Context, book: Book) {
  return c.json(book, 200, { ETag: entityTag(book) });
}

async function findBook(store: BookStore, idText: string): Promise<Book> {
  const id = parseId(idText);
  const book = await store.get(id);
  if (!book) throw bookNotFound(id);
  return book;
}

async function changeBook(
  store: BookStore,
  c: Context,
  idText: string,
  changes: z.output<typeof bookChangesSchema>,
): Promise<Book> {
  const id = parseId(idText);
  return store.update(id, changes, await precondition(store, id, c));
}

/**
 * The state that the store has to find the book in, if the request names one. Checking the tag here
 * and the state there leaves no gap: between the two, the book may only change into another state. That
 * is none of those which `If-None-Match` names, for no state comes again.
 *
 * @throws {DomainError} `book_not_found`, or `precondition_failed` (RFC 9110 section 13.2.2).
 */
async function precondition(
  store: BookStore,
  id: number,
  c: Context,
): Promise<Precondition | undefined> {
  const ifMatch = c.req.header("If-Match")?.trim();
  const ifNoneMatch = c.req.header("If-None-Match");
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
  const book = await store.get(id);
  if (!book) throw bookNotFound(id);
  const tag = entityTag(book);
  if (!ifMatchHolds(ifMatch, tag)) throw bookChanged(id);
  if (ifNoneMatchNames(ifNoneMatch, tag)) throw bookChanged(id);
  return ifMatch === undefined || ifMatch === "*" ? undefined : { updatedAt: book.updated_at };
}

/**
 * What the store knows the request's idempotency key by. Clients choose theirs without knowing of each
 * other, so it begins with the API key's name, where it has one, and a line break, which no key holds.
 *
 * @throws {DomainError} `invalid_input` for a key that does not fit the pattern.
 */
function idempotencyKey(c: Context<AppEnv>): string | undefined {
  const { name } = IDEMPOTENCY_KEY;
  const key = c.req.header(name);
  if (key === undefined) return undefined;
  if (!KEY_PATTERN.test(key)) {
    throw invalidInput([{ path: name, message: "Expected 1 to 255 printable ASCII characters" }]);
  }
  return c.var.keyName === undefined ? key : `${c.var.keyName}\n${key}`;
}

/** The link to the next page (RFC 8288), relative to the host, with all the parameters of this one. */
function nextLink(c: Context, cursor: string): string {
  const parameters = new URLSearchParams(c.req.query());
  parameters.set("cursor", cursor);
  return `<${encodedPath(c)}?${parameters}>; rel="next"`;
}

/** The parts of a reading route that depend on whether it asks for a key. */
function guarded(access?: MiddlewareHandler) {
  return access ? { middleware: access, security: keySecurity("books:read") } : {};
}

function refusals(access?: MiddlewareHandler) {
  return access ? KEY_PROBLEMS : [];
}

function listRoute(access?: MiddlewareHandler) {
  return createRoute({
    method: "get",
    path: "/",
    tags: TAGS,
    summary: "List books",
    ...guarded(access),
    request: { query: listParametersSchema },
    responses: {
      200: {
        ...jsonContent(pageSchema, "A page of books; next_cursor is null on the last one"),
        headers: { Link: LINK },
      },
      ...problems(400, ...refusals(access), 429, 503),
    },
  });
}

function getRoute(access?: MiddlewareHandler) {
  return createRoute({
    method: "get",
    path: "/{id}",
    tags: TAGS,
    summary: "Get a book",
    ...guarded(access),
    parameters: [ID_PARAMETER, IF_MATCH, IF_NONE_MATCH],
    responses: {
      200: { ...jsonContent(bookSchema, "The book"), headers: { ETag: ETAG } },
      304: { description: "The book still has the ETag of If-None-Match" },
      ...problems(...refusals(access), 404, 412, 429, 503),
    },
  });
}

function createBookRoute(middleware: MiddlewareHandler[]) {
  return createRoute({
    method: "post",
    path: "/",
    tags: TAGS,
    summary: "Add a book",
    security: keySecurity("books:write"),
    middleware,
    parameters: [IDEMPOTENCY_KEY],
    request: { body: jsonBody(bookInputSchema) },
    responses: {
      201: {
        ...jsonContent(bookSchema, "The new book"),
        headers: { ETag: ETAG, Location: LOCATION },
      },
      ...problems(400, ...KEY_PROBLEMS, 413, 415, 422, 503),
    },
  });
}

/** PUT changes what it is given, as PATCH does: clients of the original API send it with one field. */
function updateRoute(method: "put" | "patch", middleware: MiddlewareHandler[]) {
  return createRoute({
    method,
    path: "/{id}",
    tags: TAGS,
    summary: "Change the given fields of a book",
    security: keySecurity("books:write"),
    middleware,
    parameters: [ID_PARAMETER, IF_MATCH, IF_NONE_MATCH],
    request: { body: jsonBody(bookChangesSchema) },
    responses: {
      200: { ...jsonContent(bookSchema, "The changed book"), headers: { ETag: ETAG } },
      ...problems(400, ...KEY_PROBLEMS, 404, 412, 413, 415, 503),
    },
  });
}

function deleteRoute(access: MiddlewareHandler) {
  return createRoute({
    method: "delete",
    path: "/{id}",
    tags: TAGS,
    summary: "Delete a book",
    security: keySecurity("books:write"),
    middleware: access,
    parameters: [ID_PARAMETER, IF_MATCH, IF_NONE_MATCH],
    responses: {
      204: { description: "The book is gone" },
      ...problems(...KEY_PROBLEMS, 404, 412, 503),
    },
  });
}
