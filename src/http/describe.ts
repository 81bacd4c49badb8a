import type { TypedResponse } from "hono";
import { z } from "zod";
import { DEFECT, type Issue, summaryOf } from "../errors.ts";
import type { HeaderName } from "./described-headers.ts";
import { REQUEST_ID_HEADER } from "./edge/request-id.ts";
import { RATE_LIMIT_HEADERS } from "./middleware/rate-limit.ts";

/** A line of text that the service writes itself. */
export const line = () => z.string().meta({ maxLength: 255 });

/** A time that the service writes itself. */
export const writtenTime = () =>
  z.iso.datetime().meta({ maxLength: 24, examples: ["2026-11-29T12:00:00.000Z"] });

/** Problem details (RFC 9457), with the members that this service adds. */
export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  request_id: string;
  trace_id?: string | undefined;
  success: false;
  error: string;
  errors?: Issue[] | undefined;
};

const TOO_BIG = { path: "limit", message: "Too big: expected number to be <=200" };

/** The statuses of problems: their titles in answers, and what the OpenAPI document says of them. */
export const PROBLEM_STATUSES = {
  400: {
    title: "Bad Request",
    meaning: "The request is malformed or invalid",
    example: {
      error: summaryOf("invalid_input"),
      detail: `limit: ${TOO_BIG.message}`,
      errors: [TOO_BIG],
    },
  },
  401: {
    title: "Unauthorized",
    meaning: "The API key is missing or wrong",
    example: {
      error: summaryOf("api_key_required"),
      detail: "Send the key in the X-API-Key header, or as Authorization: Bearer.",
    },
    headers: ["WWW-Authenticate"],
  },
  403: {
    title: "Forbidden",
    meaning: "The API key lacks the scope",
    example: {
      error: summaryOf("insufficient_scope"),
      detail: "This requires the scope process; the key ci has books:read.",
    },
    headers: ["WWW-Authenticate"],
  },
  404: {
    title: "Not Found",
    meaning: "Not found",
    example: { error: summaryOf("entry_not_found"), detail: "There is no book 7." },
  },
  405: {
    title: "Method Not Allowed",
    meaning: "The path has no such method",
    example: {
      error: summaryOf("method_not_allowed"),
      detail: "/books takes GET, POST, HEAD, OPTIONS, not TRACE.",
    },
  },
  412: {
    title: "Precondition Failed",
    meaning: "The precondition failed",
    example: {
      error: summaryOf("precondition_failed"),
      detail: "Book 1 is not in the state you expect.",
    },
  },
  413: {
    title: "Content Too Large",
    meaning: "The body is too large",
    example: {
      error: summaryOf("body_too_large"),
      detail: "A request body may have at most 1048576 bytes.",
    },
  },
  414: {
    title: "URI Too Long",
    meaning: "Path and query are too long",
    example: {
      error: summaryOf("uri_too_long"),
      detail: "Path and query may have at most 8192 bytes.",
    },
  },
  415: {
    title: "Unsupported Media Type",
    meaning: "The body is not JSON in UTF-8, or is compressed",
    example: {
      error: summaryOf("unsupported_media_type"),
      detail: "Send the body as application/json.",
    },
  },
  422: {
    title: "Unprocessable Content",
    meaning: "The idempotency key was used with another body",
    example: {
      error: summaryOf("idempotency_key_reused"),
      detail: "This Idempotency-Key came with another body in the last 24 hours; use a new key.",
    },
  },
  429: {
    title: "Too Many Requests",
    meaning: "Too many requests or wrong keys; Retry-After says when to try again",
    example: {
      error: summaryOf("rate_limited"),
      detail: "A client may send 600 requests in 60 s; these are used up.",
    },
    headers: ["Retry-After"],
  },
  431: {
    title: "Request Header Fields Too Large",
    meaning: "The headers are too large",
    example: {
      error: summaryOf("headers_too_large"),
      detail: "The headers of a request may have at most 8192 bytes.",
    },
  },
  500: {
    title: "Internal Server Error",
    meaning: "The server has a defect",
    example: { error: DEFECT.summary, detail: DEFECT.message },
  },
  503: {
    title: "Service Unavailable",
    meaning: "Not available now; Retry-After says when to try again",
    example: { error: summaryOf("request_timeout"), detail: "No answer was ready within 30 s." },
    headers: ["Retry-After"],
  },
} as const satisfies Record<number, StatusDescription>;
export type ProblemStatus = keyof typeof PROBLEM_STATUSES;

export type StatusDescription = {
  title: string;
  meaning: string;
  /** A problem that clients may meet. */
  example: { error: string; detail: string; errors?: readonly Issue[] };
  /** Besides those of every problem. */
  headers?: readonly HeaderName[];
};

/** The headers of every answer, but that of a probe. */
export const COMMON_HEADERS: readonly HeaderName[] = [
  REQUEST_ID_HEADER,
  RATE_LIMIT_HEADERS.policy,
  RATE_LIMIT_HEADERS.left,
];

/** Describes a JSON response. */
export function jsonContent<T extends z.ZodType>(
  schema: T,
  description: string,
  example?: unknown,
) {
  return { description, content: { "application/json": { schema, example } } };
}

/** References to the problems (RFC 9457) that a route can answer, by status. */
export function problems<Status extends ProblemStatus>(...statuses: Status[]) {
  return Object.fromEntries(
    statuses.map((status) => [status, { $ref: `#/components/responses/${componentOf(status)}` }]),
  );
}

/** `NotFound` of 404: the name of a problem in the document. */
export const componentOf = (status: ProblemStatus) =>
  PROBLEM_STATUSES[status].title.replaceAll(" ", "");

/** For typed clients: the problems of a route whose description is separate from its handler. */
export type ProblemResponse<Status extends ProblemStatus> = TypedResponse<Problem, Status, "json">;
