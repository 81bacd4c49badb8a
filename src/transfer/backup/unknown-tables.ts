import { pathToFileURL } from "node:url";
import { quoted } from "../../database/sql.ts";
import type { SqliteConnection } from "../../database/sqlite.ts";
import { CommandError, EXIT } from "../../server/failure.ts";
import type { Snapshot } from "../copy.ts";
import { countOf } from "../sqlite.ts";

/** Tables of a backup that the service does not know: a fork's own, or an extension's. */
export type UnknownTables = {
  /** How many rows those of the same name have in the database. */
  present: () => ReadonlyMap<string, number>;
  /** Puts those of the backup in their place, in the transaction in progress. */
  copy: () => void;
};

const NONE: UnknownTables = { present: () => new Map(), copy: () => {} };

/**
 * Attaches a backup to a SQLite database, to copy its unknown tables with their indexes and triggers. Call
 * it before the transaction, in which nothing can be attached.
 *
 * @throws {CommandError} if they cannot be restored into the database.
 */
export function attachUnknownTables(
  connection: SqliteConnection | undefined,
  file: string,
  tables: readonly string[],
): UnknownTables {
  if (tables.length === 0) return NONE;
  if (!connection) throw cannotRestore(tables, "into PostgreSQL");
  try {
    // Read-only, because the transaction would else hold the write lock of the backup too.
    connection.prepare("ATTACH ? AS backup").all(`${pathToFileURL(file).href}?mode=ro`);
  } catch {
    // Deno allows it only to a program with every permission.
    throw cannotRestore(tables, "on this runtime");
  }
  const virtual = tables.filter((table) => schemaOf(connection, "backup", table).isVirtual);
  if (virtual.length > 0) throw cannotRestore(virtual, "because they are virtual");
  // Tables come one after the other, in no order that suits their foreign keys. They are checked at the end.
  connection.exec("PRAGMA foreign_keys = OFF");
  return {
    present() {
      const counts = tables
        .filter((table) => schemaOf(connection, "main", table).sql !== "")
        .map((table) => [table, countOf(connection, table)] as const);
      return new Map(counts.filter(([, count]) => count > 0));
    },

    copy() {
      for (const table of tables) copyTable(connection, table);
      requireForeignKeys(connection);
    },
  };
}

/** @throws {CommandError} that names the columns of a newer release that a copy would leave out. */
export async function requireKnownColumns(
  snapshot: Snapshot,
  { withoutUnknownTables = false }: { withoutUnknownTables?: boolean },
): Promise<void> {
  const columns = withoutUnknownTables ? [] : await snapshot.newerColumns();
  if (columns.length === 0) return;
  throw new CommandError(
    EXIT.data,
    `a newer release has added columns that this one would lose: ${columns.join(", ")}; ` +
      "use that release, or leave them out with --without-unknown-tables",
  );
}

function cannotRestore(tables: readonly string[], where: string): CommandError {
  return new CommandError(
    EXIT.data,
    `the backup has tables that cannot be restored ${where}: ${tables.join(", ")}; ` +
      "--without-unknown-tables restores the rest",
  );
}

function schemaOf(connection: SqliteConnection, schema: "main" | "backup", table: string) {
  const row = connection
    .prepare(`SELECT sql FROM ${schema}.sqlite_schema WHERE type = 'table' AND name = ?`)
    .get(table);
  const sql = String(row?.sql ?? "");
  return { sql, isVirtual: /^CREATE VIRTUAL/i.test(sql) };
}

/** @throws {CommandError} for a row that refers to one that is missing. */
function requireForeignKeys(connection: SqliteConnection): void {
  const row = connection.prepare("SELECT * FROM pragma_foreign_key_check LIMIT 1").get();
  if (!row) return;
  throw new CommandError(
    EXIT.data,
    `a row of the table ${row.table} would refer to one of ${row.parent} that is missing; nothing was changed`,
  );
}

function copyTable(connection: SqliteConnection, table: string): void {
  const { sql } = schemaOf(connection, "backup", table);
  const others = connection
    .prepare(
      "SELECT sql FROM backup.sqlite_schema WHERE tbl_name = ? AND type <> 'table' AND sql <> ''",
    )
    .all(table);
  connection.exec(`DROP TABLE IF EXISTS main.${quoted(table)}`);
  connection.exec(sql);
  const columns = connection
    .prepare("SELECT name FROM pragma_table_xinfo(?, 'backup') WHERE hidden = 0")
    .all(table)
    .map(({ name }) => quoted(String(name)))
    .join(", ");
  connection.exec(
    `INSERT INTO main.${quoted(table)} (${columns}) SELECT ${columns} FROM backup.${quoted(table)}`,
  );
  for (const other of others) connection.exec(String(other.sql));
  // The last id that an AUTOINCREMENT has given out.
  connection.prepare("DELETE FROM main.sqlite_sequence WHERE name = ?").all(table);
  connection
    .prepare("INSERT INTO main.sqlite_sequence SELECT * FROM backup.sqlite_sequence WHERE name = ?")
    .all(table);
}
