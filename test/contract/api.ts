import { expect } from "bun:test";
import { createHash } from "node:crypto";

/** A running service, or an app in this process: whatever answers `fetch`. */
export type Target = {
  baseUrl: string;
  apiKey: string;
  fetch: (url: string, init?: RequestInit) => Promise<Response>;
  close?: () => Promise<void> | void;
};

/** A second key besides the target's own `apiKey`, with the same rights. */
export const OTHER_KEY = "another-key-of-the-contract";

/** What a target's configuration has to say for the contract to hold. */
export const CONTRACT_VARIABLES = {
  CORS_ORIGINS: "https://app.example",
  API_KEYS: `other admin sha256:${createHash("sha256").update(OTHER_KEY).digest("hex")}`,
};

export type BookFields = { title: string; author: string; year: number };
export type Book = BookFields & { id: number; created_at: string; updated_at: string };
export type Page = { items: Book[]; next_cursor: string | null };
export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  request_id: string;
  trace_id: string;
  success: boolean;
  error: string;
  errors?: { path: string; message: string }[];
};

export type HeaderFields = Record<string, string>;
export type Query = Record<string, string>;
export type Api = ReturnType<typeof createApi>;

/** The two paths the one books router is mounted at. */
export const BOOKS = ["/books", "/api/v1/books"] as const;
export const PROCESS = "/api/v1/process";
export const JSON_TYPE = { "Content-Type": "application/json" };

/** Talks to the target once it is open; `send` adds nothing, the other writers add the key. */
export function createApi(target: () => Target) {
  const send = (path: string, init?: RequestInit) =>
    target().fetch(new URL(path, target().baseUrl).href, init);

  const sendJson =
    (method: string) =>
    (path: string, value: unknown, headers: HeaderFields = {}) =>
      text(method, path, JSON.stringify(value), headers);

  const text = (method: string, path: string, body: string, headers: HeaderFields = {}) =>
    send(path, {
      method,
      headers: { ...JSON_TYPE, "X-API-Key": target().apiKey, ...headers },
      body,
    });

  return {
    send,
    /** Sends a text as it stands, as JSON unless another type is given. */
    text,
    key: () => target().apiKey,
    get: (path: string, headers: HeaderFields = {}) => send(path, { headers }),
    head: (path: string, headers: HeaderFields = {}) => send(path, { method: "HEAD", headers }),
    options: (path: string, headers: HeaderFields = {}) =>
      send(path, { method: "OPTIONS", headers }),
    post: sendJson("POST"),
    put: sendJson("PUT"),
    patch: sendJson("PATCH"),
    remove: (path: string, headers: HeaderFields = {}) =>
      send(path, { method: "DELETE", headers: { "X-API-Key": target().apiKey, ...headers } }),
  };
}

/** One word of 24 random letters, so that a case meets only the books it made itself. */
export function uniqueWord(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return Array.from(bytes, (byte) => String.fromCharCode(97 + (byte % 26))).join("");
}

export function bookFields(fields: Partial<BookFields> = {}): BookFields {
  return {
    title: `Title ${uniqueWord()}`,
    author: `Author ${uniqueWord()}`,
    year: 1999,
    ...fields,
  };
}

export async function createBook(api: Api, fields: Partial<BookFields> = {}): Promise<Book> {
  const response = await api.post("/books", bookFields(fields));
  expect(response.status).toBe(201);
  return readJson<Book>(response);
}

export function createBooks(api: Api, rows: Partial<BookFields>[]): Promise<Book[]> {
  return Promise.all(rows.map((row) => createBook(api, row)));
}

export async function deleteBook(api: Api, book: Book): Promise<void> {
  expect((await api.remove(`/books/${book.id}`)).status).toBe(204);
}

/** A path under `/books` that was a book's and is not any more. */
export async function missingBook(api: Api): Promise<string> {
  const book = await createBook(api);
  await deleteBook(api, book);
  return `/books/${book.id}`;
}

export async function readBook(api: Api, id: number): Promise<Book> {
  const response = await api.get(`/books/${id}`);
  expect(response.status).toBe(200);
  return readJson<Book>(response);
}

export async function currentEtag(api: Api, id: number): Promise<string> {
  return etagOf(await api.get(`/books/${id}`));
}

/** The strong entity tag of an answer. */
export function etagOf(response: Response): string {
  const etag = response.headers.get("ETag") ?? "";
  expect(etag).toMatch(/^"[\x21\x23-\x7e]+"$/);
  return etag;
}

export function withQuery(path: string, query: Query): string {
  return `${path}?${new URLSearchParams(query)}`;
}

export async function listBooks(api: Api, query: Query): Promise<Page> {
  const response = await api.get(withQuery("/books", query));
  expect(response.status).toBe(200);
  return readJson<Page>(response);
}

/** The path that a reference in the answer to `path` leads to (RFC 3986 section 5). */
export function resolvePath(reference: string | null | undefined, path: string): string {
  const { pathname, search } = new URL(
    reference ?? "no reference",
    new URL(path, "http://localhost"),
  );
  return pathname + search;
}

/** Every book from a page on, following `next_cursor` to the end. */
export async function walk(api: Api, query: Query): Promise<Book[]> {
  const found: Book[] = [];
  let cursor: string | null = null;
  do {
    const page: Page = await listBooks(api, cursor === null ? query : { ...query, cursor });
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null && found.length < 1000);
  return found;
}

/** The cursor that leads on from the first page of this list. */
export async function firstCursor(api: Api, query: Query): Promise<string> {
  const { next_cursor } = await listBooks(api, query);
  expect(next_cursor).toBeString();
  return next_cursor ?? "";
}

export async function readJson<T>(response: Response): Promise<T> {
  expect(response.headers.get("Content-Type")).toMatch(/^application\/json\b/);
  return (await response.json()) as T;
}
