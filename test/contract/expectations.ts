import { expect } from "bun:test";
import type { Book, Problem } from "./api.ts";

/** RFC 3339 in UTC with milliseconds. */
export const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What would tell a stranger how the service is made: stack frames, files, classes, stores. */
const INTERNALS =
  /\n\s+at |node_modules|\/src\/|\.ts\b|\b\w*(SyntaxError|TypeError|ZodError)|sqlite/i;

const TITLES: Record<number, RegExp> = {
  400: /^Bad Request$/,
  401: /^Unauthorized$/,
  404: /^Not Found$/,
  405: /^Method Not Allowed$/,
  412: /^Precondition Failed$/,
  413: /^(Payload|Content) Too Large$/,
  415: /^Unsupported Media Type$/,
  422: /^Unprocessable (Entity|Content)$/,
};

/** An RFC 9457 problem that says this and gives nothing away. */
export async function expectProblem(
  response: Response,
  status: number,
  error: string,
): Promise<Problem> {
  const text = await response.text();
  expect({ status: response.status, text }).toMatchObject({ status });
  expect(response.headers.get("Content-Type")).toMatch(/^application\/problem\+json\b/);
  expect(response.headers.get("Cache-Control")).toContain("no-store");
  // Parsed for this alone: Bun puts the matchers in place of the values that they match.
  expect(JSON.parse(text)).toMatchObject({
    type: "about:blank",
    title: expect.stringMatching(TITLES[status] ?? /./),
    status,
    detail: expect.stringMatching(/\S/),
    request_id: response.headers.get("X-Request-Id") ?? "no X-Request-Id",
    trace_id: expect.stringMatching(/^(?!0+$)[0-9a-f]{32}$/),
    success: false,
    error,
  });
  expect(text).not.toMatch(INTERNALS);
  return JSON.parse(text) as Problem;
}

/** A validation problem whose `errors` name each of these paths. */
export async function expectInvalid(response: Response, ...paths: string[]): Promise<void> {
  const { errors } = await expectProblem(response, 400, "Validation failed");
  expect(errors).toBeArray();
  expect(errors?.map((each) => each.path)).toEqual(expect.arrayContaining(paths));
  for (const each of errors ?? []) expect(each.message).toMatch(/\S/);
}

export async function expectUnauthorized(response: Response, error: string): Promise<void> {
  const isWrong = error === "Invalid API key";
  expect(response.headers.get("WWW-Authenticate")).toBe(
    `Bearer realm="thimble"${isWrong ? ', error="invalid_token"' : ""}`,
  );
  await expectProblem(response, 401, error);
}

export async function expectNoBody(response: Response, status: number): Promise<void> {
  expect(response.status).toBe(status);
  expect(await response.text()).toBe("");
}

/** Everything every response carries. */
export function expectSecurityHeaders({ headers }: Response): void {
  expect(Object.fromEntries(headers)).toMatchObject({
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-xss-protection": "1; mode=block",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "referrer-policy": expect.stringMatching(/^(no-referrer|same-origin|strict-origin)/),
    "cross-origin-opener-policy": expect.stringMatching(/^same-origin/),
    "cross-origin-resource-policy": expect.stringMatching(/^same-(origin|site)$/),
    "permissions-policy": expect.stringMatching(/\S/),
    "x-request-id": expect.stringMatching(/^[\x21-\x7e]{1,128}$/),
  });
  expect(headers.has("X-Powered-By")).toBe(false);
  expectStrictPolicy(headers.get("Content-Security-Policy") ?? "");
}

/** A policy that lets no inline script, no eval and no other host in. */
function expectStrictPolicy(policy: string): void {
  const directives = new Map(
    policy.split(";").map((directive) => {
      const [name = "", ...sources] = directive.trim().split(/\s+/);
      return [name.toLowerCase(), sources] as const;
    }),
  );
  expect(directives.get("default-src")).toBeOneOf([["'none'"], ["'self'"]]);
  const scripts = directives.get("script-src") ?? directives.get("default-src") ?? [];
  for (const source of scripts) expect(source).toMatch(/^'(none|self|nonce-.+|sha\d+-.+)'$/);
  expect(policy).not.toMatch(/https?:|\*/);
}

/** The words of a list-valued header, in upper case and in order. */
export function listed(response: Response, header: string): string[] {
  const value = response.headers.get(header) ?? "";
  return value
    .split(",")
    .map((word) => word.trim().toUpperCase())
    .filter((word) => word !== "")
    .sort();
}

export function requireBook(book: Book, fields: Partial<Book>): void {
  expect(Object.keys(book)).toEqual(["id", "title", "author", "year", "created_at", "updated_at"]);
  expect(book).toMatchObject(fields);
  expect(Number.isSafeInteger(book.id) && book.id > 0).toBe(true);
  expect(book.created_at).toMatch(TIMESTAMP);
  expect(book.updated_at).toMatch(TIMESTAMP);
}

export function ids(books: Book[]): number[] {
  return books.map((book) => book.id);
}
