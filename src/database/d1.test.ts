import { expect, test } from "bun:test";
import { translateD1Error } from "./d1.ts";

test.each([
  "D1_ERROR: D1 DB is overloaded. Too many requests queued.",
  "D1_ERROR: Network connection lost.",
  "D1_ERROR: Internal error in D1 DB storage caused object to be reset.",
  "D1_ERROR: database or disk is full: SQLITE_FULL",
  "Network connection lost.",
])("the database is at fault: %s", (message) => {
  const cause = new Error(message);
  expect(translateD1Error(cause)).toMatchObject({ code: "store_unavailable", cause });
});

test.each([
  "D1_ERROR: no such table: books: SQLITE_ERROR",
  "D1_ERROR: no such column: words at offset 7: SQLITE_ERROR",
])("the schema is not the service's, and the cause says what to do: %s", (message) => {
  expect(translateD1Error(new Error(message))).toMatchObject({
    code: "store_unavailable",
    cause: {
      message: `${message}; apply the migrations: wrangler d1 migrations apply DB --remote`,
    },
  });
});

test.each([
  'D1_ERROR: near "SELEKT": syntax error at offset 0: SQLITE_ERROR',
  "D1_ERROR: NOT NULL constraint failed: books.title: SQLITE_CONSTRAINT",
  "D1_TYPE_ERROR: Type 'object' not supported for value '[object Object]'",
])("the statement is at fault: %s", (message) => {
  const error = new Error(message);
  expect(translateD1Error(error)).toBe(error);
});
