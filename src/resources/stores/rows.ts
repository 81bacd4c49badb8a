import { UnusableDatabaseError } from "../../database/migrations/migration.ts";
import { SERVICE } from "../../identity.ts";
import { type Field, instant, type Value } from "../field.ts";
import type { Entry, Resource } from "../resource.ts";

type Row = Readonly<Record<string, unknown>>;

/** Reads the entries of a resource from the rows of a database. */
export function rowReader({ name, fields }: Resource, database: "sqlite" | "postgres") {
  const times = { created_at: instant(), updated_at: instant() };
  const columns = Object.entries<Field>({ ...fields, ...times }).map(([column, field]) => {
    const { read }: { read: (stored: unknown) => Value } = field[database];
    return { column, read, optional: field.optional };
  });

  function toEntry(row: Row): Entry {
    const entry: Record<string, Value> = { id: Number(row.id) };
    for (const { column, read, optional } of columns) {
      const stored = row[column];
      if (stored === undefined && !optional) throw missingColumn(name, column);
      // A field that was added since the schema of a backup has no column there.
      entry[column] = stored === null || stored === undefined ? null : read(stored);
    }
    return entry as Entry;
  }

  function first(rows: readonly Row[] | undefined): Entry | undefined {
    return rows?.[0] && toEntry(rows[0]);
  }

  /** @throws {TypeError} where there is no row, although there has to be one. */
  function requireFirst(rows: readonly Row[] | undefined): Entry {
    const entry = first(rows);
    if (!entry) throw new TypeError(`Expected a row of ${name} from the database`);
    return entry;
  }

  return { toEntry, first, requireFirst };
}

function missingColumn(table: string, column: string): UnusableDatabaseError {
  return new UnusableDatabaseError(
    `The table ${table} has no column ${column}. Run "${SERVICE.name} migrate" on the database first; a backup needs ` +
      "the release that made it.",
  );
}
