import { DomainError } from "../../errors.ts";
import {
  NewerSchemaError,
  newerSchemaProblem,
  UnusableDatabaseError,
} from "../migrations/migration.ts";

/**
 * SQLSTATE classes for what is wrong with the server or the way to it, not with a query: connection
 * (08), authorization (28), no such database (3D), resources (53), intervention (57), system (58); a
 * read-only transaction (25006), as on a standby; and for what others do to the same rows at the same time,
 * which a repetition gets around: a rolled back transaction (40), a lock not had in time (55P03).
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const UNAVAILABLE_SQLSTATE = /^(?:(?:08|28|3D|40|53|57|58)[0-9A-Z]{3}|25006|55P03)$/;

/** The driver's and the operating system's codes for a connection that is lost while it is in use. */
export const LOST_CONNECTION =
  /^(?:CONNECTION_CLOSED|ECONN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE|ERR_SOCKET)/;

/** Their codes for a connection that cannot be made. */
const NO_CONNECTION = /^(?:CONNECT|ENOTFOUND|EAI_AGAIN|ENOENT)/;

/** Whether a code stands for a connection that is lost, or cannot be made. */
export function isConnectionCode(code: string): boolean {
  return LOST_CONNECTION.test(code) || NO_CONNECTION.test(code);
}

/** Whether a connection may not write: the server is a standby, or has been told to write nothing. */
export function isReadOnlyError(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === "25006";
}

/** Whether the server itself sent this error, with an SQLSTATE. */
export function isServerError(error: unknown): boolean {
  const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown };
  return typeof code === "string" && typeof severity === "string";
}

/** Whether the server refused a value (SQLSTATE class 22, data exception), and nothing is wrong with it. */
export function isDataError(error: unknown): boolean {
  return isServerError(error) && /^22/.test(String((error as { code?: unknown }).code));
}

/**
 * Whether a statement does not suit the tables (SQLSTATE class 42), what it writes is less than they ask for
 * (23502, 23514), or it was prepared for others (0A000): a newer release may have changed them.
 */
export function isSchemaError(error: unknown): boolean {
  if (error instanceof NewerSchemaError) return true;
  return (
    isServerError(error) &&
    /^(?:42|23502$|23514$|0A000$)/.test(String((error as { code?: unknown }).code))
  );
}

/**
 * The error of an operation in the domain's words. A database that cannot be used is no reason to stop for a
 * service that runs: it may be put right.
 */
export function translateOperationError(error: unknown): unknown {
  if (error instanceof NewerSchemaError) return newerSchemaProblem(error);
  if (error instanceof UnusableDatabaseError) return unavailableError(error);
  return translatePostgresError(error);
}

/** A driver's error in the domain's words where the server is at fault, else the error itself. */
export function translatePostgresError(error: unknown): unknown {
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code !== "string") return error;
  // In a bundle, the driver's class has a short name that means nothing in a log.
  if (error instanceof Error && isServerError(error)) error.name = "PostgresError";
  const unavailable = UNAVAILABLE_SQLSTATE.test(code) || isConnectionCode(code);
  return unavailable ? unavailableError(error) : error;
}

export function unavailableError(cause?: unknown): DomainError {
  return new DomainError("store_unavailable", "The database cannot be reached right now.", {
    cause,
  });
}
