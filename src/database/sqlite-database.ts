import { DomainError } from "../errors.ts";
import type { Deadline } from "../time.ts";
import type { DatabaseLifecycle } from "./lifecycle.ts";
import {
  type Migration,
  NewerSchemaError,
  newerSchemaProblem,
  requireCompatible,
} from "./migrations/migration.ts";
import { sqliteMigrations } from "./migrations/sqlite.ts";
import {
  migrateSqlite,
  optimizeSqlite,
  readSqliteSchema,
  type SqliteConnection,
  type SqliteRow,
  type Statement,
  translated,
  translateSqliteError,
} from "./sqlite.ts";
import { createInlineWriter, type SqliteWriter, untilUnlocked } from "./sqlite-writer.ts";

/** Another connection to the same database, which only reads, away from the event loop. */
export interface SqliteReader {
  /** @throws {DomainError} `request_timeout` when the deadline passes first. */
  all(statement: Statement, deadline?: Deadline): Promise<SqliteRow[]>;
  close(): void;
}

/** An open SQLite database. */
export type SqliteDatabase = DatabaseLifecycle & {
  kind: "sqlite";
  connection: SqliteConnection;
  /** For statements that may take long; without it, the connection runs them too. */
  reader?: SqliteReader | undefined;
  /** For whatever changes entries. */
  writer: SqliteWriter;
  /** The error of a statement in the domain's words where the database is at fault, else the error itself. */
  translate: (error: unknown) => unknown;
};

type SqliteDatabaseOptions = {
  /** The schema's migrations: the service's own by default. */
  migrations?: readonly Migration[];
  /** Brings the schema up to date, as {@link migrateSqlite} does by default. */
  migrate?: () => number;
  reader?: SqliteReader;
  /** Writes on the connection itself by default. */
  writer?: SqliteWriter;
  /** Fails where the database's files are not those any more that were opened. */
  requireSameFiles?: () => void;
  /** Whether its disk has space for writes: always by default. */
  hasSpace?: () => Promise<boolean>;
};

/** A database on an open connection, which it closes. */
export function createSqliteDatabase(
  connection: SqliteConnection,
  {
    migrations = sqliteMigrations,
    migrate = () => migrateSqlite(connection, migrations),
    reader,
    writer = createInlineWriter(connection),
    requireSameFiles,
    hasSpace = async () => true,
  }: SqliteDatabaseOptions = {},
): SqliteDatabase {
  /** A newer release may have changed the schema since. @throws {DomainError} if this one cannot use it. */
  function requireSchema(): void {
    try {
      requireCompatible(readSqliteSchema(connection), migrations.length);
    } catch (error) {
      throw error instanceof NewerSchemaError ? newerSchemaProblem(error) : error;
    }
  }

  function translate(error: unknown): unknown {
    const known = translateSqliteError(error);
    if (known instanceof DomainError) return known;
    try {
      translated(requireSchema);
      return error;
    } catch (reason) {
      return reason;
    }
  }

  return {
    kind: "sqlite",
    connection,
    reader,
    writer,
    translate,
    migrate: async () => migrate(),
    schema: async () => ({ ...readSqliteSchema(connection), known: migrations.length }),
    async ping() {
      requireSameFiles?.();
      translated(requireSchema);
      return (await hasSpace()) ? "ok" : "disk_full";
    },
    optimize: () => untilUnlocked(() => optimizeSqlite(connection)),
    async close() {
      await writer.close();
      reader?.close();
      connection.close();
    },
  };
}
