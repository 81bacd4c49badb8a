import type { Sql } from "postgres";
import { translatePostgresError } from "../database/postgres/errors.ts";
import { liftTimeouts, migratePostgres, readPostgresSchema } from "../database/postgres/migrate.ts";
import { openConnection } from "../database/postgres/open-connection.ts";
import { queryOn } from "../database/postgres/query.ts";
import { transact } from "../database/postgres/transaction.ts";
import type { PostgresPlace } from "../database/postgres/url.ts";
import type { Query } from "../database/postgres.ts";
import { list, quoted } from "../database/sql.ts";
import type { Entry, Resource } from "../resources/resource.ts";
import { idSequence, lexemesOf, postgresStatements } from "../resources/stores/postgres.ts";
import { rowReader } from "../resources/stores/rows.ts";
import { postgresServers } from "../server/database/postgres-servers.ts";
import type { Clock } from "../time.ts";
import {
  FIRST_RESOURCE,
  knownColumns,
  type Loader,
  MIGRATIONS,
  OWN_TABLES,
  RECORD_TABLES,
  type RecordTable,
  type Snapshot,
  type TransferDatabase,
  type TransferOptions,
  toRecord,
} from "./copy.ts";

const CLOSE_TIMEOUT_SECONDS = 5;

const asItIs = (name: string) => name;

/** How a column is read, and how an array of what was read becomes one column again. */
const COLUMNS = {
  text: { read: asItIs, array: "text[]", write: asItIs },
  integer: { read: asItIs, array: "bigint[]", write: asItIs },
  json: {
    read: (name: string) => `${name}::text`,
    array: "text[]",
    write: (name: string) => `${name}::jsonb`,
  },
  time: {
    read: (name: string) => `(extract(epoch FROM ${name}) * 1000)::bigint`,
    array: "bigint[]",
    write: (name: string) => `to_timestamp(${name} / 1000.0)`,
  },
} as const;

/** Connects to a PostgreSQL database to copy from it or to it. @throws {DomainError} if it cannot. */
export async function connectForTransfer(place: PostgresPlace, options: TransferOptions) {
  const { postgres: migrations } = options.migrations ?? MIGRATIONS;
  // Rows are written as arrays, one a column.
  const servers = postgresServers(() => place, { fetch_types: true });
  const sql = await openConnection(servers, () => {});
  return {
    transfer: createPostgresTransfer(sql, options),
    /** Brings the schema up to date. */
    migrate: () => migratePostgres(sql, migrations),
    schema: () => readPostgresSchema(queryOn(sql)),
    close: () => sql.end({ timeout: CLOSE_TIMEOUT_SECONDS }),
  };
}

/** Statements may take any time. While one writes, others can read; those that write wait. */
function createPostgresTransfer(
  sql: Sql,
  { resources, clock, migrations = MIGRATIONS }: TransferOptions,
): TransferDatabase {
  const isNewer = async (query: Query) =>
    (await readPostgresSchema(query)).version > migrations.postgres.length;

  async function within<T>(mode: string, work: (query: Query) => Promise<T>): Promise<T> {
    try {
      return await transact(sql, mode, async (transaction) => {
        const query = queryOn(transaction);
        await liftTimeouts(query);
        return work(query);
      });
    } catch (error) {
      throw translatePostgresError(error);
    }
  }
  return {
    read: (work) =>
      within("ISOLATION LEVEL REPEATABLE READ READ ONLY", (query) =>
        work(createSnapshot(query, resources, () => isNewer(query))),
      ),
    write: (locked, work) =>
      within("ISOLATION LEVEL READ COMMITTED READ WRITE", async (query) => {
        for (const { name } of locked) {
          await query(`LOCK TABLE ${quoted(name)} IN SHARE ROW EXCLUSIVE MODE`);
        }
        return work(createLoader(query, clock));
      }),
  };
}

async function countOf(query: Query, { name }: Resource): Promise<number> {
  const [row] = await query(`SELECT count(*) AS entries FROM ${quoted(name)}`);
  return Number(row?.entries);
}

function createSnapshot(
  query: Query,
  resources: readonly Resource[],
  isNewer: () => Promise<boolean>,
): Snapshot {
  async function hasTable(name: string): Promise<boolean> {
    const [row] = await query("SELECT to_regclass($1) IS NOT NULL AS found", [quoted(name)]);
    return row?.found === true;
  }

  const knownColumns = new Map<string, ReadonlySet<string>>();

  /** The columns that a table has: in an earlier schema, some may be missing. */
  async function columnsOf(name: string): Promise<ReadonlySet<string>> {
    const known = knownColumns.get(name);
    if (known) return known;
    const rows = await query(
      `SELECT attname FROM pg_attribute
        WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
      [quoted(name)],
    );
    const columns = new Set(rows.map(({ attname }) => String(attname)));
    knownColumns.set(name, columns);
    return columns;
  }

  async function sourceOf({ name }: RecordTable): Promise<string> {
    const hasResource = (await columnsOf(name)).has("resource");
    const source = hasResource ? name : `(SELECT '${FIRST_RESOURCE}' AS resource, * FROM ${name})`;
    return `${source} AS record`;
  }

  return {
    has: ({ name }) => hasTable(name),
    count: async (resource) => ((await hasTable(resource.name)) ? countOf(query, resource) : 0),

    async lastId(resource) {
      if (!(await hasTable(resource.name))) return 0;
      // A sequence is not part of the snapshot. Read after it, it covers every entry.
      await query(`SELECT 1 FROM ${quoted(resource.name)} LIMIT 1`);
      const [row] = await query(`SELECT last_value, is_called FROM ${idSequence(resource)}`);
      return row?.is_called ? Number(row.last_value) : 0;
    },

    async entries(resource, after, limit) {
      const { toEntry } = rowReader(resource, "postgres");
      const present = await columnsOf(resource.name);
      const wanted = ["id", ...Object.keys(resource.fields), "created_at", "updated_at"];
      const columns = wanted.filter((column) => present.has(column)).map(quoted);
      const rows = await query(
        `SELECT ${list(columns)} FROM ${quoted(resource.name)} WHERE id > $1 ORDER BY id LIMIT $2`,
        [after, limit],
      );
      return rows.map(toEntry);
    },

    async records(table, after, limit) {
      if (!(await hasTable(table.name))) return [];
      const { key, columns } = table;
      const read = Object.entries(columns).map(
        ([column, kind]) => `${COLUMNS[kind].read(column)} AS ${column}`,
      );
      const rows = await query(
        `SELECT ${list(read)} FROM ${await sourceOf(table)}
          WHERE (resource, ${key}) > ($1, $2) ORDER BY record.resource, record.${key} LIMIT $3`,
        [after.resource, after.key, limit],
      );
      return rows.map((row) => toRecord(table, row));
    },

    async unknownTables() {
      const known = ["schema_migrations", ...OWN_TABLES];
      const rows = await query(
        `SELECT CASE WHEN n.nspname = current_schema() THEN c.relname
            ELSE n.nspname || '.' || c.relname END AS name
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
            AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
            AND NOT (n.nspname = current_schema() AND c.relname = ANY($1::text[]))
          ORDER BY 1`,
        [[...known, ...resources.map(({ name }) => name)]],
      );
      return rows.map(({ name }) => String(name));
    },

    newerColumns: async () => ((await isNewer()) ? unknownColumns(query, resources) : []),
  };
}

/** Without those that are generated. */
async function unknownColumns(query: Query, resources: readonly Resource[]): Promise<string[]> {
  const unknown: string[] = [];
  for (const [table, known] of knownColumns(resources)) {
    const rows = await query(
      `SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1)
        AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`,
      [quoted(table)],
    );
    const names = rows.map(({ attname }) => String(attname)).filter((name) => !known.has(name));
    unknown.push(...names.map((name) => `${table}.${name}`));
  }
  return unknown;
}

function createLoader(query: Query, clock: Clock): Loader {
  return {
    count: (resource) => countOf(query, resource),

    async clear({ name }) {
      // TRUNCATE would keep others from reading.
      await query(`DELETE FROM ${quoted(name)}`);
      for (const table of RECORD_TABLES) {
        await query(`DELETE FROM ${table.name} WHERE resource = $1`, [name]);
      }
    },

    async find(resource, ids) {
      const { toEntry } = rowReader(resource, "postgres");
      const rows = await query(postgresStatements(resource).SQL.find, [[...ids]]);
      const entries = rows.map(toEntry);
      return new Map(entries.map((entry) => [entry.id, entry]));
    },

    add: (resource, entries) => insertEntries(query, resource, entries),
    withoutIndexes: (_resource, work) => work(),

    async addRecords({ name, columns }: RecordTable, rows) {
      const all = Object.entries(columns);
      const names = list(all.map(([column]) => column));
      const arrays = all.map(([, kind], index) => `$${index + 1}::${COLUMNS[kind].array}`);
      const values = all.map(([column, kind]) => COLUMNS[kind].write(column));
      await query(
        `INSERT INTO ${name} (${names}) SELECT ${list(values)}
          FROM unnest(${list(arrays)}) AS row (${names})`,
        all.map(([column]) => rows.map((row) => row[column] ?? null)),
      );
    },

    async takeIds(resource, count) {
      const rows = await query(
        `SELECT nextval('${idSequence(resource)}') AS id FROM generate_series(1, $1) ORDER BY 1`,
        [count],
      );
      return rows.map(({ id }) => Number(id));
    },

    async reserveIds(resource, lastId) {
      if (lastId === 0) return;
      const sequence = idSequence(resource);
      await query(
        `SELECT setval('${sequence}', greatest($1, (SELECT last_value FROM ${sequence})))`,
        [lastId],
      );
    },

    async importedLines({ name }, sha256) {
      const [row] = await query("SELECT lines FROM imports WHERE resource = $1 AND sha256 = $2", [
        name,
        sha256,
      ]);
      return row && Number(row.lines);
    },

    async recordImport({ name }, sha256, lines) {
      await query(
        `INSERT INTO imports (resource, sha256, lines, updated_at) VALUES ($1, $2, $3, $4)
          ON CONFLICT (resource, sha256) DO UPDATE
          SET lines = excluded.lines, updated_at = excluded.updated_at`,
        [name, sha256, lines, new Date(clock())],
      );
    },

    async forgetImport({ name }, sha256) {
      await query("DELETE FROM imports WHERE resource = $1 AND sha256 = $2", [name, sha256]);
    },
  };
}

/**
 * One array a column. Each is sent as text, because the driver takes the type of an array from its first
 * element.
 */
async function insertEntries(
  query: Query,
  resource: Resource,
  entries: readonly Entry[],
): Promise<void> {
  const { fields, search, name } = resource;
  const { lexemes } = postgresStatements(resource);
  const hasWords = search.length > 0;
  const columns = [
    { column: "id", type: "bigint" },
    ...Object.entries(fields).map(([column, { postgres }]) => ({
      column,
      type: postgres.type.replace(/ COLLATE .*| ?\(.*\)/, ""),
    })),
    ...["created_at", "updated_at"].map((column) => ({ column, type: "timestamptz" })),
  ];
  const stored = columns.map(({ column, type }) => ({
    column,
    value: `${quoted(column)}::${type}`,
    data: entries.map((entry) => entry[column]?.toString() ?? null),
  }));
  const words = {
    column: "words",
    value: lexemesOf(quoted("words")),
    data: entries.flatMap((entry) => lexemes(entry)),
  };
  const all = hasWords ? [...stored, words] : stored;
  const names = list(all.map(({ column }) => quoted(column)));
  await query(
    `INSERT INTO ${quoted(name)} (${names}) SELECT ${list(all.map(({ value }) => value))}
      FROM unnest(${list(all.map((_, index) => `$${index + 1}::text[]`))}) AS entry (${names})`,
    all.map(({ data }) => data),
  );
}
