/** One mistake in an input; `path` is dotted, and empty for the whole input. */
export type Issue = { path: string; message: string };

/** What went wrong; one table maps it to a status (see problem.ts). */
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
  | "book_not_found"
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
 * Domain code throws this: a code that the HTTP edge maps to a status (see problem.ts), and a `message`
 * that clients may read.
 */
export class DomainError extends Error {
  readonly code: ErrorCode;
  /** A short sentence for this occurrence, instead of the code's own. */
  readonly summary: string | undefined;
  readonly issues: readonly Issue[] | undefined;
  /** When to try again, instead of after the code's own time. */
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

/** The most issues that are reported for one input, which may have any number. */
const MAX_ISSUES = 20;

/** Longer than any valid name, and much shorter than what a client may send. */
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

/** A name from a client, cut so that an error may repeat it. */
export function shortName(name: string): string {
  if (name.length <= MAX_NAME_LENGTH) return name;
  // The cut may leave half of a character.
  return `${name.slice(0, MAX_NAME_LENGTH).toWellFormed()}\u2026`;
}
