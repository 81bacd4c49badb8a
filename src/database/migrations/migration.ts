/** A numbered step of a schema. Numbers begin at 1 and have no gaps. */
export type Migration = { version: number; name: string; sql: string };

/** The same schema for each kind of database. */
export type Migrations = { sqlite: readonly Migration[]; postgres: readonly Migration[] };

/** A database that cannot serve; the message says why, and nothing was written to it. */
export class UnusableDatabaseError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UnusableDatabaseError";
  }
}

/** The schema is of a newer release than this one, which must not touch it. */
export class NewerSchemaError extends Error {
  constructor(found: number, known: number) {
    super(
      `The database has schema version ${found}, and this release knows only ${known}. ` +
        "Run the release that made it, or a later one.",
    );
    this.name = "NewerSchemaError";
  }
}

/** @throws {NewerSchemaError} */
export function pendingMigrations(migrations: readonly Migration[], current: number): Migration[] {
  const newest = migrations.length;
  if (current > newest) throw new NewerSchemaError(current, newest);
  return migrations.slice(current);
}
