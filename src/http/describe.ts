import type { TypedResponse } from "hono";
import { z } from "zod";
import { lazySchema } from "../validation.ts";

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

/** The statuses of problems: their titles in answers, and what they mean in the OpenAPI document. */
export const PROBLEM_STATUSES = {
  400: { title: "Bad Request", meaning: "The request is malformed or invalid" },
  401: { title: "Unauthorized", meaning: "The API key is missing or wrong" },
  403: { title: "Forbidden", meaning: "The API key lacks the scope" },
  404: { title: "Not Found", meaning: "Not found" },
  405: { title: "Method Not Allowed", meaning: "The path has no such method" },
  406: { title: "Not Acceptable", meaning: "The client takes no encoding that this is stored in" },
  412: { title: "Precondition Failed", meaning: "The precondition failed" },
  413: { title: "Content Too Large", meaning: "The body is too large" },
  414: { title: "URI Too Long", meaning: "Path and query are too long" },
  415: {
    title: "Unsupported Media Type",
    meaning: "The body is not JSON in UTF-8, or is compressed",
  },
  422: {
    title: "Unprocessable Content",
    meaning: "The idempotency key was used with another body",
  },
  429: {
    title: "Too Many Requests",
    meaning: "Too many requests or wrong keys; Retry-After says when to try again",
  },
  431: { title: "Request Header Fields Too Large", meaning: "The headers are too large" },
  500: { title: "Internal Server Error", meaning: "The server has a defect" },
  503: {
    title: "Service Unavailable",
    meaning: "Not available now; Retry-After says when to try again",
  },
} as const;
export type ProblemStatus = keyof typeof PROBLEM_STATUSES;

/** Describes a JSON response. */
export function jsonContent<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/** Describes the problems (RFC 9457) that a route can answer, by status. */
export function problems<Status extends ProblemStatus>(...statuses: Status[]) {
  const described = statuses.map(
    (status) => [status, problemContent(PROBLEM_STATUSES[status].meaning)] as const,
  );
  // `fromEntries` loses the literal statuses, which typed clients need to tell answers apart.
  return Object.fromEntries(described) as Record<Status, ReturnType<typeof problemContent>>;
}

function problemContent(description: string) {
  return { description, content: { "application/problem+json": { schema: problemSchema } } };
}

/** For typed clients: the problems of a route whose description is separate from its handler. */
export type ProblemResponse<Status extends ProblemStatus> = TypedResponse<Problem, Status, "json">;
