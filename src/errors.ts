/** One thing that is wrong with an input; `path` is dotted, and empty for the input as a whole. */
export type Issue = { path: string; message: string };

/** What went wrong, for the one table that maps it to a status (see problem.ts). */
export type ErrorCode =
  | "endpoint_not_found"
  | "method_not_allowed"
  | "api_key_required"
  | "invalid_api_key"
  | "insufficient_scope"
  | "too_many_failures"
  | "rate_limited"
  | "overloaded"
  | "uri_too_long"
  | "headers_too_large"
  | "no_data"
  | "malformed_json"
  | "incomplete_body"
  | "unsupported_media_type"
  | "body_too_large"
  | "invalid_input"
  | "entry_not_found"
  | "precondition_failed"
  | "idempotency_key_reused"
  | "request_timeout"
  | "store_unavailable"
  | "not_configured";

type DomainErrorOptions = {
  summary?: string;
  issues?: readonly Issue[];
  retryAfterSeconds?: number;
  cause?: unknown;
};

/**
 * What domain code throws: a code that the HTTP edge maps to a status (see problem.ts), and a
 * `message` that a client may read.
 */
export class DomainError extends Error {
  readonly code: ErrorCode;
  /** The short sentence for this occurrence, where the code's own would say too little. */
  readonly summary: string | undefined;
  readonly issues: readonly Issue[] | undefined;
  /** When to try again, where the code's own time would not be that of this occurrence. */
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: DomainErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = "DomainError";
    this.code = code;
    this.summary = options.summary;
    this.issues = options.issues;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** As many issues are told of one input, which may have any number of them. */
const MAX_ISSUES = 20;

/** Longer than any name that is right, and short beside what a client may send for one. */
const MAX_NAME_LENGTH = 100;

/** An `invalid_input` error that lists the issues of a failed validation, the first 20 of them. */
export function invalidInput(issues: readonly Issue[], summary?: string): DomainError {
  const told = issues.slice(0, MAX_ISSUES);
  const sentences = told.map(({ path, message }) => (path ? `${path}: ${message}` : message));
  if (issues.length > told.length) sentences.push(`and ${issues.length - told.length} more`);
  return new DomainError("invalid_input", sentences.join("; "), {
    issues: told,
    ...(summary !== undefined && { summary }),
  });
}

/** A name that a client made up, cut to a length at which an error may repeat it. */
export function shortName(name: string): string {
  if (name.length <= MAX_NAME_LENGTH) return name;
  // The cut may have left half of a character.
  return `${name.slice(0, MAX_NAME_LENGTH).toWellFormed()}\u2026`;
}
