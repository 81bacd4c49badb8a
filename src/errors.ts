/** One mistake in an input; `path` is dotted, and empty for the whole input. */
export type Issue = { path: string; message: string };

/** Every error that a client may see, with its short sentence. */
const SUMMARIES = {
  endpoint_not_found: "Endpoint not found",
  method_not_allowed: "Method not allowed",
  api_key_required: "API key required",
  invalid_api_key: "Invalid API key",
  insufficient_scope: "Insufficient scope",
  too_many_failures: "Too many failed authentications",
  rate_limited: "Rate limit exceeded",
  overloaded: "Service overloaded",
  malformed_host: "Malformed Host header",
  uri_too_long: "Request URL too long",
  headers_too_large: "Request headers too large",
  no_data: "No data provided",
  malformed_json: "Malformed JSON",
  incomplete_body: "Incomplete request body",
  connection_lost: "Connection lost",
  unsupported_media_type: "Unsupported media type",
  unsupported_content_encoding: "Unsupported content encoding",
  body_too_large: "Request body too large",
  invalid_input: "Validation failed",
  entry_not_found: "Not found",
  precondition_failed: "Precondition failed",
  idempotency_key_reused: "Idempotency key reused",
  request_timeout: "Request timed out",
  store_unavailable: "Database unavailable",
  not_configured: "Service not configured",
} as const;

/** What went wrong; problem.ts maps it to a status. */
export type ErrorCode = keyof typeof SUMMARIES;

/** The short sentence of a code. */
export const summaryOf = (code: ErrorCode): string => SUMMARIES[code];

/** What a client learns of a defect. */
export const DEFECT = {
  summary: "Internal server error",
  message: "The server could not answer this request; its log says why.",
} as const;

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
  /** The short sentence for this occurrence: the code's own by default. */
  readonly summary: string;
  readonly issues: readonly Issue[] | undefined;
  /** When to try again, instead of after the code's own time. */
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: DomainErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = "DomainError";
    this.code = code;
    this.summary = options.summary ?? SUMMARIES[code];
    this.issues = options.issues;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** The cause of an error that does not end by itself: somebody has to do what it says. */
export class NeedsRepairError extends Error {
  override readonly name = "NeedsRepairError";
}

/** The error of work that was not done when its caller's deadline came. */
export function deadlineExceeded(): DomainError {
  return new DomainError("request_timeout", "No answer was ready in time.");
}

/** The most issues that are reported for one input, which may have any number. */
export const MAX_ISSUES = 20;

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
