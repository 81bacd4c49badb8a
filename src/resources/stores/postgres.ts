import type { PostgresDatabase, PostgresValue, Query } from "../../database/postgres.ts";
import { list, quoted } from "../../database/sql.ts";
import type { Clock } from "../../time.ts";
import { requireEntry, requireSameInput, requireWanted } from "../errors.ts";
import { INSTANT_MAX, type Values } from "../field.ts";
import {
  applyChanges,
  completeInput,
  type Entry,
  entryFromJson,
  type Resource,
  searchWords,
} from "../resource.ts";
import {
  type Creation,
  EXPIRED_ANSWERS_PER_CALL,
  IDEMPOTENCY_WINDOW_MS,
  IMPORT_WINDOW_MS,
  type OperationLimits,
  RENEWED_PER_CALL,
  type Store,
} from "../store.ts";
import { WORDS_VERSION } from "../words.ts";
import { type ListShape, listShapes, listValues } from "./list-shapes.ts";
import { decomposedTexts, nextPlace, placeOfRenewal } from "./renewal.ts";
import { rowReader } from "./rows.ts";

/** A store on a PostgreSQL database. */
export function createPostgresStore(
  database: PostgresDatabase,
  resource: Resource,
  clock: Clock,
): Store {
  const { toEntry, first, requireFirst } = rowReader(resource, "postgres");
  const { SQL, listSql, storedValues, lexemes } = postgresStatements(resource);
  const hasWords = resource.search.length > 0;

  async function insert(query: Query, input: Values, now: number): Promise<Entry> {
    const values = [...storedValues(input), new Date(now), ...lexemes(input)];
    return requireFirst(await query(SQL.insert, values));
  }

  /** Of calls that come together, all but the first wait at the key's row until that one has finished. */
  async function createOnce(
    query: Query,
    input: Values,
    key: string,
    now: number,
  ): Promise<Creation> {
    const { name } = resource;
    const oldest = new Date(now - IDEMPOTENCY_WINDOW_MS);
    const [claimed] = await query(SQL.claimKey, [name, key, new Date(now), oldest]);
    if (!claimed) {
      const [row] = await query(SQL.answer, [name, key]);
      const entry = entryFromJson(resource, row?.answer);
      requireSameInput(resource, entry, input);
      return { entry, replayed: true };
    }
    const entry = await insert(query, input, now);
    await query(SQL.setAnswer, [name, key, JSON.stringify(entry)]);
    await query(SQL.expireKeys, [oldest, EXPIRED_ANSWERS_PER_CALL]);
    return { entry, replayed: false };
  }

  async function change(query: Query, entry: Entry, changes: Values): Promise<Entry> {
    const values = applyChanges(resource, entry, changes);
    const stored = [...storedValues(values), new Date(clock()), ...lexemes(values)];
    return requireFirst(await query(SQL.update, [...stored, entry.id]));
  }

  const write = <T>(limits: OperationLimits | undefined, work: (query: Query) => Promise<T>) =>
    database.write(async (query) => {
      const result = await work(query);
      // Right before it is committed, and cannot be undone any more.
      requireWanted(limits);
      return result;
    }, limits?.deadline);

  return {
    list: (wanted, limits) =>
      database.read(async (query) => {
        const { sql, isKept } = listSql(wanted);
        const values = listValues<PostgresValue>(resource, wanted, {
          words: prefixQuery,
          field: (_name, value) => value,
        });
        return (await query(sql, values, { isKept })).map(toEntry);
      }, limits?.deadline),

    get: (id, limits) =>
      database.read(async (query) => first(await query(SQL.get, [id])), limits?.deadline),

    create: (input, idempotencyKey, limits) =>
      write(limits, async (query) => {
        const complete = completeInput(resource, input);
        if (idempotencyKey !== undefined)
          return createOnce(query, complete, idempotencyKey, clock());
        return { entry: await insert(query, complete, clock()), replayed: false };
      }),

    update: (id, changes, precondition, limits) =>
      write(limits, async (query) => {
        const found = first(await query(SQL.lock, [id]));
        const entry = requireEntry(resource, id, found, precondition);
        return change(query, entry, changes);
      }),

    delete: (id, precondition, limits) =>
      write(limits, async (query) => {
        requireEntry(resource, id, first(await query(SQL.lock, [id])), precondition);
        await query(SQL.delete, [id]);
      }),

    addSamples: (inputs) =>
      database.write(async (query) => {
        // Of instances that start together, one adds them.
        await query(SQL.lockTable);
        const [sequence] = await query(SQL.sequence);
        if (sequence?.is_called === true) return;
        for (const input of inputs) await insert(query, completeInput(resource, input), clock());
      }),

    async removeExpired() {
      const expired = () =>
        database.write(async (query) => {
          const oldest = new Date(clock() - IDEMPOTENCY_WINDOW_MS);
          const keys = await query(SQL.expireKeys, [oldest, EXPIRED_ANSWERS_PER_CALL]);
          await query(SQL.expireImports, [new Date(clock() - IMPORT_WINDOW_MS)]);
          return keys.length;
        });
      while ((await expired()) > 0);
    },

    renewWords: async () => hasWords && database.write(renewSomeWords),
  };

  async function renewSomeWords(query: Query): Promise<boolean> {
    const { name } = resource;
    await query(SQL.addWordsState, [name]);
    const [state] = await query(SQL.lockWordsState, [name]);
    // Another instance is at it.
    if (!state) return false;
    const place = placeOfRenewal(state);
    if (place === null) return false;
    const entries = (await query(SQL.lockAfter, [place, RENEWED_PER_CALL])).map(toEntry);
    for (const entry of entries) {
      const changes = decomposedTexts(entry);
      if (changes) await change(query, entry, changes);
    }
    const words = entries.map((entry) => ({ id: entry.id, words: lexemes(entry)[0] }));
    await query(SQL.setWords, [JSON.stringify(words)]);
    const next = nextPlace(entries);
    await query(SQL.setWordsState, [name, WORDS_VERSION, next]);
    return next !== null;
  }
}

/** The sequence that gives out a resource's ids. */
export const idSequence = ({ name }: Resource) => quoted(`${name}_id_seq`);

/** The words as they are: no parser or dictionary of the server's comes between. */
export const lexemesOf = (joinedWords: string) =>
  `array_to_tsvector(string_to_array(${joinedWords}, ' '))`;

/** Makes the statements of a resource, once. */
export function postgresStatements(resource: Resource) {
  const { name, fields, search } = resource;
  const table = quoted(name);
  const names = Object.keys(fields);
  const hasWords = search.length > 0;
  const columns = list(["id", ...names, "created_at", "updated_at"].map(quoted));
  const places = names.map((_, index) => `$${index + 1}`);
  const now = `$${names.length + 1}`;
  // As one text, for which the driver need not ask the server about its types of arrays.
  const words = hasWords ? [lexemesOf(`$${names.length + 2}`)] : [];
  const id = `$${names.length + 2 + words.length}`;
  const into = [...names, "created_at", "updated_at", ...(hasWords ? ["words"] : [])].map(quoted);
  const sets = names.map((each, index) => `${quoted(each)} = ${places[index]}`);

  /** Forward, except from the end of time, where there is no later state. */
  const nextTime = `CASE WHEN updated_at < timestamptz '${INSTANT_MAX}'
    THEN greatest(${now}, updated_at + interval '1 millisecond') ELSE ${now} END`;

  const SQL = {
    get: `SELECT ${columns} FROM ${table} WHERE id = $1`,
    find: `SELECT ${columns} FROM ${table} WHERE id = ANY($1::bigint[])`,
    lock: `SELECT ${columns} FROM ${table} WHERE id = $1 FOR UPDATE`,
    insert: `INSERT INTO ${table} (${list(into)})
      VALUES (${list([...places, now, now, ...words])}) RETURNING ${columns}`,
    update: `UPDATE ${table} SET ${list([...sets, ...words.map((each) => `words = ${each}`)])},
      updated_at = ${nextTime}
      WHERE id = ${id} RETURNING ${columns}`,
    delete: `DELETE FROM ${table} WHERE id = $1`,
    lockTable: `LOCK TABLE ${table} IN EXCLUSIVE MODE`,
    sequence: `SELECT is_called FROM ${idSequence(resource)}`,
    claimKey: `INSERT INTO idempotency_keys (resource, key, created_at) VALUES ($1, $2, $3)
      ON CONFLICT (resource, key) DO UPDATE SET answer = NULL, created_at = excluded.created_at
        WHERE idempotency_keys.created_at <= $4
      RETURNING key`,
    answer: "SELECT answer FROM idempotency_keys WHERE resource = $1 AND key = $2",
    setAnswer:
      "UPDATE idempotency_keys SET answer = $3::text::jsonb WHERE resource = $1 AND key = $2",
    expireKeys: `DELETE FROM idempotency_keys WHERE (resource, key) IN (
      SELECT resource, key FROM idempotency_keys WHERE created_at <= $1
      ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING key`,
    expireImports: "DELETE FROM imports WHERE updated_at <= $1",
    addWordsState: `INSERT INTO search_words (resource, version, after_id) VALUES ($1, 0, 0)
      ON CONFLICT (resource) DO NOTHING`,
    lockWordsState: `SELECT version, after_id FROM search_words WHERE resource = $1
      FOR UPDATE SKIP LOCKED`,
    setWordsState: "UPDATE search_words SET version = $2, after_id = $3 WHERE resource = $1",
    lockAfter: `SELECT ${columns} FROM ${table} WHERE id > $1 ORDER BY id LIMIT $2 FOR UPDATE`,
    setWords: `UPDATE ${table} SET words = ${lexemesOf("renewed.words")}
      FROM json_to_recordset($1::text::json) AS renewed(id bigint, words text)
      WHERE ${table}.id = renewed.id AND ${table}.words <> ${lexemesOf("renewed.words")}`,
  };

  /** Lists entries by keyset: never by counting off the rows before a page. */
  function listOf({ sort, hasWords: searches, filters, hasAfter }: ListShape): string {
    let place = 0;
    const next = () => {
      place += 1;
      return `$${place}`;
    };
    const comparison = sort.descending ? "<" : ">";
    const keys = sort.field === "id" ? ["id"] : [quoted(sort.field), "id"];
    const conditions = [
      ...(searches ? [`words @@ ${next()}::tsquery`] : []),
      ...filters.map((each) => `${quoted(each)} = ${next()}`),
      ...(hasAfter ? [`(${list(keys)}) ${comparison} (${list(keys.map(next))})`] : []),
    ];
    const where = conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "";
    const direction = sort.descending ? "DESC" : "ASC";
    return `SELECT ${columns} FROM ${table} ${where}
      ORDER BY ${list(keys.map((key) => `${key} ${direction}`))} LIMIT ${next()}`;
  }

  return {
    SQL,
    listSql: listShapes(resource, listOf),
    storedValues: (values: Values): PostgresValue[] => names.map((each) => values[each] ?? null),
    /** The value for the words, where the resource has any. */
    lexemes: (values: Values): string[] =>
      hasWords ? [[...new Set(searchWords(resource, values))].join(" ")] : [],
  };
}

/** Words are letters and numbers only, so quoting them is all the escaping that a tsquery needs. */
function prefixQuery(words: readonly string[]): string {
  return words.map((word) => `'${word}':*`).join(" & ");
}
