import type { Context, ErrorHandler, MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { DEFECT, DomainError, type ErrorCode, NeedsRepairError } from "../errors.ts";
import { SERVICE } from "../identity.ts";
import { describeError, type Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { UNKNOWN_FIELD } from "../validation.ts";
import { answerJson } from "./answer.ts";
import { PROBLEM_STATUSES, type Problem, type ProblemStatus } from "./describe.ts";
import type { AppEnv } from "./env.ts";

type Mapping = { status: ProblemStatus; headers?: Record<string, string> };

const BEARER = `Bearer realm="${SERVICE.name}"`;

/** A challenge (RFC 6750 section 3.1); without a key there is no error to name. */
function challenge(error?: "invalid_token" | "insufficient_scope"): Record<string, string> {
  return { "WWW-Authenticate": error ? `${BEARER}, error="${error}"` : BEARER };
}

/** Maps each error code to a status and headers; no other place does. */
const MAPPINGS: Record<ErrorCode, Mapping> = {
  endpoint_not_found: { status: 404 },
  method_not_allowed: { status: 405 },
  api_key_required: { status: 401, headers: challenge() },
  invalid_api_key: { status: 401, headers: challenge("invalid_token") },
  insufficient_scope: { status: 403, headers: challenge("insufficient_scope") },
  too_many_failures: { status: 429 },
  rate_limited: { status: 429 },
  overloaded: { status: 503, headers: { "Retry-After": "1" } },
  malformed_host: { status: 400 },
  uri_too_long: { status: 414 },
  headers_too_large: { status: 431 },
  no_data: { status: 400 },
  malformed_json: { status: 400 },
  incomplete_body: { status: 400 },
  connection_lost: { status: 400 },
  unsupported_media_type: { status: 415, headers: { Accept: "application/json" } },
  unsupported_content_encoding: { status: 415, headers: { "Accept-Encoding": "identity" } },
  body_too_large: { status: 413 },
  invalid_input: { status: 400 },
  entry_not_found: { status: 404 },
  precondition_failed: { status: 412 },
  idempotency_key_reused: { status: 422 },
  request_timeout: { status: 503, headers: { "Retry-After": "5" } },
  store_unavailable: { status: 503, headers: { "Retry-After": "2" } },
  not_configured: { status: 503 },
};

/**
 * Answers an error as problem details (RFC 9457). Only the message of a {@link DomainError} reaches the
 * client; any other error gives no details.
 */
export function problemResponse(
  c: Context<AppEnv>,
  error: Error,
  headers: Record<string, string> = {},
): Response {
  const known = asDomainError(error);
  const mapping: Mapping = known ? MAPPINGS[known.code] : { status: 500 };
  const { message, summary } = known ?? DEFECT;
  const request = c.get("request");
  const traceId = request?.trace.traceId;
  const body: Problem = {
    type: "about:blank",
    title: PROBLEM_STATUSES[mapping.status].title,
    status: mapping.status,
    detail: message,
    request_id: request?.id ?? c.get("requestId"),
    ...(traceId !== undefined && { trace_id: traceId }),
    success: false,
    error: summary,
    ...(known?.issues && { errors: [...known.issues] }),
  };
  return answerJson(c, body, mapping.status, {
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    ...mapping.headers,
    ...(known?.retryAfterSeconds && { "Retry-After": String(known.retryAfterSeconds) }),
    ...headers,
  });
}

/**
 * Answers the errors of a route group that is mounted in another app. Known errors become problems, and
 * are logged if there is a logger. Any other error is thrown again, for that app to handle.
 */
export function problemHandler(logger?: Logger): ErrorHandler<AppEnv> {
  return function problemHandler(error, c) {
    if (!asDomainError(error)) throw error;
    if (logger) logError(logger, error, c, { stack: false });
    return problemResponse(c, error);
  };
}

/** A problem with its response, in the form that error handlers of Hono and of other apps know. */
class ProblemException extends HTTPException {
  readonly problem: DomainError;

  constructor(problem: DomainError, res: Response) {
    super(MAPPINGS[problem.code].status, { res, message: problem.message, cause: problem });
    this.problem = problem;
  }
}

/** A middleware for routes of another app: the problems that it throws contain their response. */
export function bringingAnswers(middleware: MiddlewareHandler<AppEnv>): MiddlewareHandler<AppEnv> {
  return async function bringingAnswers(c, next) {
    try {
      return await middleware(c, next);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      throw new ProblemException(error, problemResponse(c, error));
    }
  };
}

/** Answers the errors of this service's own app: each becomes a problem, is logged and counted. */
export function appErrorHandler({ logger, stack, metrics }: AppErrorOptions): ErrorHandler<AppEnv> {
  return function appErrorHandler(error, c) {
    logError(logger, error, c, { stack });
    const code = asDomainError(error)?.code;
    if (code) metrics?.requestRefused(code);
    return problemResponse(c, error);
  };
}

type AppErrorOptions = { logger: Logger; stack: boolean; metrics?: Metrics | undefined };

/** The library's own refusals (a body that is not JSON, a wrong media type) as domain errors. */
function asDomainError(error: Error): DomainError | undefined {
  if (error instanceof DomainError) return error;
  if (error instanceof ProblemException) return error.problem;
  // An error with its own response comes from elsewhere, such as a middleware of another app.
  if (!(error instanceof HTTPException) || error.res) return undefined;
  if (error.status === 415) {
    return new DomainError("unsupported_media_type", "Send the body as application/json.");
  }
  if (error.status === 400) {
    return new DomainError("malformed_json", "The request body is not valid JSON.");
  }
  return undefined;
}

/**
 * Logs failures on the server's side, and at level DEBUG why a client was refused. A defect is always
 * logged with its stack, an expected fault only if `stack` is set.
 */
function logError(
  logger: Logger,
  error: Error,
  c: Context<AppEnv>,
  { stack }: { stack: boolean },
): void {
  const request = c.get("request");
  const known = asDomainError(error);
  const fields = {
    request_id: request?.id ?? c.get("requestId"),
    trace_id: request?.trace.traceId,
    method: c.req.method,
    path: c.req.path,
    code: known?.code,
  };
  if (!known)
    logger.error("request failed", { ...fields, ...describeError(error, { stack: true }) });
  else if (MAPPINGS[known.code].status >= 500) {
    const level = known.cause instanceof NeedsRepairError ? "error" : "warning";
    logger[level]("request refused", { ...fields, ...describeError(error, { stack }) });
  } else logger.debug("request refused", { ...fields, issues: issuePaths(known) });
}

/** The paths of wrong input, without anything that the client sent, including its own names. */
function issuePaths({ issues }: DomainError): string[] | undefined {
  if (!issues) return undefined;
  const paths = issues.map(({ path, message }) => (message === UNKNOWN_FIELD ? message : path));
  return [...new Set(paths)];
}
