import type { TypedResponse } from "hono";
import { z } from "zod";
import type { Scope } from "../auth/key.ts";
import { lazySchema } from "../validation.ts";

/**
 * The `security` of a route that needs an API key with a scope; openapi.ts declares the schemes.
 * OpenAPI 3.1 calls such scopes the roles that a scheme's users need (section 4.8.30).
 */
export function keySecurity(scope: Scope) {
  return [{ apiKey: [scope] }, { bearer: [scope] }];
}

/** A route's possible answers to a wrong or missing key. */
export const KEY_PROBLEMS = [401, 403, 429] as const;

const problemSchema = lazySchema(() =>
  z
    .object({
      type: z.string(),
      title: z.string(),
      status: z.int(),
      detail: z.string(),
      request_id: z.string(),
      trace_id: z.string().optional(),
      success: z.literal(false),
      error: z.string(),
      errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    })
    .openapi("Problem"),
);

/** Problem details (RFC 9457), with the members that this service adds. */
export type Problem = z.output<typeof problemSchema>;

const MEANINGS = {
  400: "The request is malformed or invalid",
  401: "The API key is missing or wrong",
  403: "The API key lacks the scope",
  404: "Not found",
  412: "The precondition failed",
  413: "The body is too large",
  415: "The body is not JSON",
  422: "The idempotency key was used with another body",
  429: "Too many requests or wrong keys; Retry-After says when to try again",
  503: "Not available now; Retry-After says when to try again",
} as const;

/** Describes a JSON response. */
export function jsonContent<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { "application/json": { schema } } };
}

type DescribedStatus = keyof typeof MEANINGS;

/** Describes the problems (RFC 9457) that a route can answer, by status. */
export function problems<Status extends DescribedStatus>(...statuses: Status[]) {
  const described = statuses.map((status) => [status, problemContent(MEANINGS[status])] as const);
  // `fromEntries` loses the literal statuses, which typed clients need to tell answers apart.
  return Object.fromEntries(described) as Record<Status, ReturnType<typeof problemContent>>;
}

function problemContent(description: string) {
  return { description, content: { "application/problem+json": { schema: problemSchema } } };
}

/** For typed clients: the problems of a route whose description is separate from its handler. */
export type ProblemResponse<Status extends DescribedStatus> = TypedResponse<
  Problem,
  Status,
  "json"
>;
