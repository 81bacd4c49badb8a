import type { HeaderObject } from "openapi3-ts/oas31";
import { SERVICE } from "../identity.ts";
import { REQUEST_ID_HEADER } from "./edge/request-id.ts";
import { RATE_LIMIT_HEADERS } from "./middleware/rate-limit.ts";

const text = (description: string, example: string, maxLength = 255) => ({
  description,
  schema: { type: "string" as const, maxLength },
  example,
});

/** The headers of answers as the document has them, once each; answers refer to theirs. */
export const DESCRIBED_HEADERS = {
  [REQUEST_ID_HEADER]: text(
    "The id of the request: the one that it came with, or a new one.",
    "0b9f3c4e-5d0a-4f2e-9a4c-6a3c6f2f8f10",
    128,
  ),
  [RATE_LIMIT_HEADERS.policy]: text(
    "The limit of a client: q requests in w seconds. Missing where there is no limit.",
    '"default";q=600;w=60',
  ),
  [RATE_LIMIT_HEADERS.left]: text(
    "What is left of the limit: r requests in the next t seconds. Missing where there is no limit.",
    '"default";r=599;t=60',
  ),
  "Retry-After": {
    description: "When to try again, in seconds.",
    schema: { type: "integer", format: "int32", minimum: 1, maximum: 86_400 },
    example: 2,
  },
  "WWW-Authenticate": text(
    "How to send a key, and what is wrong with the one that was sent (RFC 6750).",
    `Bearer realm="${SERVICE.name}"`,
  ),
  "Cache-Control": text("How the answer may be cached.", "no-cache"),
  ETag: text("The state of the entry (RFC 9110 section 8.8.3), for If-Match.", '"1-mbx2k3p0"'),
  Location: text("Where the new entry is, relative to the request.", "./books/1", 8192),
  Link: text(
    'The next page, as rel="next" (RFC 8288), relative to this one. Missing on the last page.',
    '<?limit=50&cursor=WyJpZCJd>; rel="next"',
    8192,
  ),
  "Idempotency-Replayed": {
    description: "The answer to an earlier request with the same Idempotency-Key.",
    schema: { type: "string", enum: ["true"] },
    example: "true",
  },
} as const satisfies Record<string, HeaderObject>;

export type HeaderName = keyof typeof DESCRIBED_HEADERS;

/** References to the headers of an answer. */
export function headers(...names: HeaderName[]) {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
