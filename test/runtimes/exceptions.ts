import type { Exceptions } from "../contract/case.ts";

const LAMBDA_TEXT =
  "AWS hands on JSON as text, in which what was no UTF-8 has become U+FFFD, a character like any other";

/** The cases of the HTTP contract that cannot hold on a runtime, with the reason; docs/benchmarks.md shows them. */
export const EXCEPTIONS = {
  Lambda: {
    "POST /api/v1/process refuses bytes that are no UTF-8": LAMBDA_TEXT,
    "POST /books refuses bytes that are no UTF-8": LAMBDA_TEXT,
    "PUT /books/{id} refuses bytes that are no UTF-8": LAMBDA_TEXT,
    "PATCH /books/{id} refuses bytes that are no UTF-8": LAMBDA_TEXT,
  },
} satisfies Record<string, Exceptions>;
