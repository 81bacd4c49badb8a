import { DomainError, NeedsRepairError } from "../../errors.ts";

/**
 * A numbered step of a schema. Numbers begin at 1 and have no gaps.
 *
 * `compatibleFrom` is the oldest version whose release still works after this step, so that it can be rolled
 * back to. A step that only adds leaves it as it was; one that takes something away, or asks for more, raises
 * it, at most to its own version.
 */
export type Migration = { version: number; name: string; compatibleFrom: number; sql: string };

/** The same schema for each kind of database. */
export type Migrations = { sqlite: readonly Migration[]; postgres: readonly Migration[] };

/** The schema that a database has: 0 if it has none. Releases that know `compatibleFrom` can use it. */
export type Schema = { version: number; compatibleFrom: number };

export const NO_SCHEMA: Schema = { version: 0, compatibleFrom: 0 };

/** The schema that a database has, and the newest version that this release knows. */
export type SchemaState = Schema & { known: number };

/** A database that cannot serve; the message says why, and nothing was written to it. */
export class UnusableDatabaseError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UnusableDatabaseError";
  }
}

/** The schema is of a newer release, and does not work with this one, which must not touch it. */
export class NewerSchemaError extends NeedsRepairError {
  constructor({ version, compatibleFrom }: Schema, known: number) {
    super(
      `The database has schema version ${version}, and this release knows only ${known}. ` +
        `Run a release that knows version ${compatibleFrom} at least.`,
    );
  }
}

/** @throws {NewerSchemaError} if a schema does not work with the release that knows this version. */
export function requireCompatible(schema: Schema, known: number): void {
  if (schema.compatibleFrom > known) throw new NewerSchemaError(schema, known);
}

/**
 * The migrations that a schema lacks. A newer schema lacks none, if it works with this release.
 *
 * @throws {NewerSchemaError} if it does not.
 */
export function pendingMigrations(migrations: readonly Migration[], schema: Schema): Migration[] {
  requireCompatible(schema, migrations.length);
  return migrations.slice(schema.version);
}

/** Whether the schema is of a newer release. */
export const isNewer = ({ version, known }: SchemaState) => version > known;

/** What people learn of a newer schema that does work with this release. */
export const NEWER_SCHEMA = "the schema is of a newer release, and works with this one";

/** What callers of a running service learn of a schema that it cannot use. */
export function newerSchemaProblem(cause: NewerSchemaError): DomainError {
  const message = "The database is of a newer release than this instance, which cannot use it.";
  return new DomainError("store_unavailable", message, { cause });
}
