import type { Deadline } from "../time.ts";
import type { DatabaseLifecycle } from "./lifecycle.ts";
import {
  migrateSqlite,
  optimizeSqlite,
  type SqliteConnection,
  type SqliteRow,
  type Statement,
  translated,
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
};

type SqliteDatabaseOptions = {
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
    migrate = () => migrateSqlite(connection),
    reader,
    writer = createInlineWriter(connection),
    requireSameFiles,
    hasSpace = async () => true,
  }: SqliteDatabaseOptions = {},
): SqliteDatabase {
  return {
    kind: "sqlite",
    connection,
    reader,
    writer,
    migrate: async () => migrate(),
    async ping() {
      requireSameFiles?.();
      translated(() => connection.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get());
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
