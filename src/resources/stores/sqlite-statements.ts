import { list, quoted } from "../../database/sql.ts";
import type { SqliteRow, SqliteValue, Statement } from "../../database/sqlite.ts";
import { rfc3339 } from "../../time.ts";
import { requireEntry, requireSameInput } from "../errors.ts";
import { INSTANT_MAX, type Value, type Values } from "../field.ts";
import {
  applyChanges,
  completeInput,
  type Entry,
  entryFromJson,
  type Resource,
  searchWords,
  wordsTable,
} from "../resource.ts";
import {
  type Creation,
  EXPIRED_ANSWERS_PER_CALL,
  IDEMPOTENCY_WINDOW_MS,
  IMPORT_WINDOW_MS,
  type ListQuery,
  type Precondition,
  RENEWED_PER_CALL,
} from "../store.ts";
import { WORDS_VERSION } from "../words.ts";
import { type ListShape, listShapes, listValues } from "./list-shapes.ts";
import { rowReader } from "./rows.ts";

/**
 * A change of the database: the statements to run, in order and in one transaction, and what the rows of
 * each then mean. No statement depends on what another one returned, so that a driver may send all of
 * them at once.
 */
export type Change<T> = { statements: Statement[]; read: (rows: SqliteRow[][]) => T };

/** Makes the statements of a resource. Their SQL is written once; calls fill in values. */
export function sqliteStatements(resource: Resource) {
  const { name, fields, search } = resource;
  const names = Object.keys(fields);
  const hasWords = search.length > 0;
  const SQL = sqliteTexts(resource);
  const listSql = listShapes(resource, SQL.list);
  const { toEntry, first, requireFirst } = rowReader(resource, "sqlite");

  /** What a column holds of a field's value. */
  function toStored(field: string, value: Value | undefined): SqliteValue {
    if (value === null || value === undefined) return null;
    return fields[field]?.sqlite.write(value as never) ?? null;
  }

  /** For each searched field, whether it is changed, so that it may be any, and its value as it was read. */
  const searchedAsRead = (entry: Entry, changes: Values): SqliteValue[] =>
    search.flatMap((each) => [Number(changes[each] !== undefined), toStored(each, entry[each])]);

  const storedValues = (values: Values) => names.map((each) => toStored(each, values[each]));
  const joinedWords = (values: Values) => searchWords(resource, values).join(" ");

  function create(input: Values, now: number, key?: string): Change<Creation> {
    const complete = completeInput(resource, input);
    if (key !== undefined) return createOnce(complete, key, now);
    const words = { sql: SQL.insertWords, values: [joinedWords(complete)] };
    return {
      statements: [
        // Before the entry, while the last id still holds.
        ...(hasWords ? [words] : []),
        { sql: SQL.insert, values: [...storedValues(complete), now, now] },
      ],
      read: (rows) => ({ entry: requireFirst(rows.at(-1)), replayed: false }),
    };
  }

  /** Adds an entry under an idempotency key, or finds the answer that the key stands for already. */
  function createOnce(input: Values, key: string, now: number): Change<Creation> {
    const oldest = now - IDEMPOTENCY_WINDOW_MS;
    const at = rfc3339(now);
    const answer = JSON.stringify({ id: 0, ...input, created_at: at, updated_at: at });
    const inserted = {
      sql: SQL.insertKeyed,
      values: [...storedValues(input), now, now, name, key],
    };
    const words = { sql: SQL.insertWordsKeyed, values: [joinedWords(input), name, key] };
    return {
      statements: [
        { sql: SQL.expireKey, values: [name, key, oldest] },
        { sql: SQL.expireKeys, values: [oldest, EXPIRED_ANSWERS_PER_CALL] },
        ...(hasWords ? [words] : []),
        inserted,
        { sql: SQL.insertKey, values: [name, key, answer, now, name, key] },
        { sql: SQL.answer, values: [name, key] },
      ],
      read: (rows) => {
        const [created, , answers] = rows.slice(-3);
        const entry = entryFromJson(resource, JSON.parse(String(answers?.[0]?.answer)));
        if (created?.length === 1) return { entry, replayed: false };
        requireSameInput(resource, entry, input);
        return { entry, replayed: true };
      },
    };
  }

  return {
    toEntry,
    storedValues,
    joinedWords,

    list(query: ListQuery): Statement {
      const values = listValues<SqliteValue>(resource, query, {
        words: matchExpression,
        field: toStored,
      });
      return { ...listSql(query), values };
    },

    lastId: { sql: SQL.lastId, values: [] } satisfies Statement,

    /** Whether there is something to remove. */
    expired: (now: number): Statement => ({
      sql: SQL.expired,
      values: [now - IDEMPOTENCY_WINDOW_MS, now - IMPORT_WINDOW_MS],
    }),

    /** Removes some of what has expired, and returns the number of rows. */
    removeExpired(now: number): Change<number> {
      return {
        statements: [
          {
            sql: SQL.expireKeys,
            values: [now - IDEMPOTENCY_WINDOW_MS, EXPIRED_ANSWERS_PER_CALL],
          },
          { sql: SQL.expireImports, values: [now - IMPORT_WINDOW_MS] },
        ],
        read: (rows) => rows.flat().length,
      };
    },

    /** How far the words are (see migration 4), and the next entries after an id. */
    wordsState: { sql: SQL.wordsState, values: [name] } satisfies Statement,
    setWordsState: (afterId: number | null): Statement => ({
      sql: SQL.setWordsState,
      values: [name, WORDS_VERSION, afterId],
    }),
    entriesAfter: (id: number): Statement => ({
      sql: SQL.entriesAfter,
      values: [id, RENEWED_PER_CALL],
    }),
    /** Writes the words of an entry, unless others have changed its searched fields since it was read. */
    setWords: (entry: Entry): Statement => ({
      sql: SQL.updateWords,
      values: [joinedWords(entry), entry.id, entry.id, null, null, ...searchedAsRead(entry, {})],
    }),
    get: (id: number): Statement => ({ sql: SQL.get, values: [id] }),

    first,
    create,

    /** Adds entries, all in one statement, to a resource that never had one. */
    addSamples(inputs: readonly Values[], now: number): Change<void> {
      const complete = inputs.map((input) => completeInput(resource, input));
      const words = complete.map((input, index) => ({
        sql: SQL.insertSampleWords,
        values: [index + 1, joinedWords(input)],
      }));
      const rows = complete.map((input) => [...storedValues(input), now, now]);
      const insert = { sql: SQL.insertSamples, values: [JSON.stringify(rows)] };
      // Their words are new, and so there is nothing to renew.
      const state = { sql: SQL.insertWordsState, values: [name, WORDS_VERSION] };
      return { statements: [...(hasWords ? [...words, state] : []), insert], read: () => {} };
    },

    /**
     * Changes an entry that has been read. There is no entry if it is not in the expected state, or if its
     * words change and others have changed the rest of them since.
     */
    update(
      entry: Entry,
      changes: Values,
      now: number,
      precondition?: Precondition,
    ): Change<Entry | undefined> {
      const changesWords = search.some((each) => changes[each] !== undefined);
      const state = precondition ? Date.parse(precondition.updatedAt) : null;
      const asRead = changesWords ? searchedAsRead(entry, changes) : [];
      const asExpected = [entry.id, state, state, ...asRead];
      const words = joinedWords(applyChanges(resource, entry, changes));
      const values = names.flatMap((each) => [
        Number(changes[each] !== undefined),
        toStored(each, changes[each]),
      ]);
      return {
        statements: [
          ...(changesWords
            ? [{ sql: SQL.updateWords, values: [words, entry.id, ...asExpected] }]
            : []),
          {
            sql: changesWords ? SQL.updateWithWords : SQL.update,
            values: [...values, now, now, ...asExpected],
          },
        ],
        read: (rows) => first(rows.at(-1)),
      };
    },

    /** Reading its rows throws if there was no such entry, or not in the expected state. */
    delete(id: number, precondition?: Precondition): Change<void> {
      const state = precondition ? Date.parse(precondition.updatedAt) : null;
      const words = { sql: SQL.deleteWords, values: [id, id, state, state] };
      return {
        statements: [
          ...(hasWords ? [words] : []),
          { sql: SQL.delete, values: [id, state, state] },
          { sql: SQL.get, values: [id] },
        ],
        read: (rows) => {
          const [deleted, left] = rows.slice(-2);
          if (deleted?.length !== 1) requireEntry(resource, id, first(left), precondition);
        },
      };
    },
  };
}

/** Writes the SQL of a resource. */
function sqliteTexts(resource: Resource) {
  const { name, fields, search } = resource;
  const table = quoted(name);
  const words = quoted(wordsTable(resource));
  const names = Object.keys(fields);

  const column = (field: string) => `${table}.${quoted(field)}`;
  const columns = list(["id", ...names, "created_at", "updated_at"].map(column));
  const into = list([...names, "created_at", "updated_at"].map(quoted));
  /** The id given out last, which the next one follows: ids are AUTOINCREMENT. */
  const lastId = `(SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = '${name}')`;
  const neverUsed = `${lastId} = 0`;
  const keyIsFree = "NOT EXISTS (SELECT 1 FROM idempotency_keys WHERE resource = ? AND key = ?)";
  const inState = "(? IS NULL OR updated_at = ?)";
  /** Forward, except from the end of time, where there is no later state. */
  const nextTime = `iif(updated_at < ${Date.parse(INSTANT_MAX)}, max(?, updated_at + 1), ?)`;
  /** The words of an entry depend on these fields, which must be as they were read where they stay. */
  const withWordsAsRead = search.map((field) => ` AND (? OR ${column(field)} IS ?)`).join("");

  return {
    get: `SELECT ${columns} FROM ${table} WHERE id = ?`,
    insert: insertSql("true"),
    insertKeyed: insertSql(keyIsFree),
    insertWords: insertWordsSql("true"),
    insertSampleWords: `INSERT INTO ${words} (rowid, words) SELECT ?, ? WHERE ${neverUsed}`,
    insertWordsKeyed: insertWordsSql(keyIsFree),
    insertSamples: insertSamplesSql(),
    update: updateSql(""),
    updateWithWords: updateSql(withWordsAsRead),
    updateWords: `UPDATE ${words} SET words = ? WHERE rowid = ?
      AND EXISTS (SELECT 1 FROM ${table} WHERE id = ? AND ${inState}${withWordsAsRead})`,
    delete: `DELETE FROM ${table} WHERE id = ? AND ${inState} RETURNING id`,
    deleteWords: `DELETE FROM ${words}
      WHERE rowid = ? AND EXISTS (SELECT 1 FROM ${table} WHERE id = ? AND ${inState})`,
    expireKey: "DELETE FROM idempotency_keys WHERE resource = ? AND key = ? AND created_at <= ?",
    expireKeys: `DELETE FROM idempotency_keys WHERE (resource, key) IN (
      SELECT resource, key FROM idempotency_keys WHERE created_at <= ? ORDER BY created_at LIMIT ?)
      RETURNING 1`,
    expired: `SELECT EXISTS (SELECT 1 FROM idempotency_keys WHERE created_at <= ?)
      OR EXISTS (SELECT 1 FROM imports WHERE updated_at <= ?) AS expired`,
    expireImports: "DELETE FROM imports WHERE updated_at <= ? RETURNING 1",
    wordsState: "SELECT version, after_id FROM search_words WHERE resource = ?",
    setWordsState:
      "INSERT OR REPLACE INTO search_words (resource, version, after_id) VALUES (?, ?, ?)",
    insertWordsState: `INSERT OR REPLACE INTO search_words (resource, version, after_id)
      SELECT ?, ?, NULL WHERE ${neverUsed}`,
    entriesAfter: `SELECT ${columns} FROM ${table} WHERE id > ? ORDER BY id LIMIT ?`,
    insertKey: `INSERT INTO idempotency_keys (resource, key, answer, created_at)
      SELECT ?, ?, json_set(?, '$.id', ${lastId}), ? WHERE ${keyIsFree}`,
    answer: "SELECT answer FROM idempotency_keys WHERE resource = ? AND key = ?",
    lastId: `SELECT ${lastId} AS id`,
    list: listOf,
  };

  /** One statement for every set of changed fields: each brings whether it is changed, and its value. */
  function changed(field: string): string {
    return `${quoted(field)} = CASE ? WHEN 1 THEN ? ELSE ${quoted(field)} END`;
  }

  function updateSql(condition: string): string {
    return `UPDATE ${table} SET ${list(names.map(changed))}, updated_at = ${nextTime}
      WHERE id = ? AND ${inState}${condition} RETURNING ${columns}`;
  }

  function insertSql(condition: string): string {
    const places = list(Array(names.length + 2).fill("?"));
    return `INSERT INTO ${table} (${into}) SELECT ${places} WHERE ${condition} RETURNING ${columns}`;
  }

  /** All rows are one value, as JSON: D1 takes at most 100 values in a statement. */
  function insertSamplesSql(): string {
    const values = Array.from(
      { length: names.length + 2 },
      (_, index) => `json_extract(value, '$[${index}]')`,
    );
    return `INSERT INTO ${table} (${into}) SELECT ${list(values)} FROM json_each(?)
      WHERE ${neverUsed} ORDER BY key`;
  }

  function insertWordsSql(condition: string): string {
    return `INSERT INTO ${words} (rowid, words) SELECT ${lastId} + 1, ? WHERE ${condition}`;
  }

  /** Lists entries by keyset: never by counting off the rows before a page. */
  function listOf({ sort, hasWords, filters, hasAfter }: ListShape): string {
    // In the order of ids, the words' index is walked only as far as the page goes.
    const walksWords = hasWords && sort.field === "id";
    const id = walksWords ? `${words}.rowid` : `${table}.id`;
    const source = walksWords
      ? `${words} CROSS JOIN ${table} ON ${table}.id = ${words}.rowid`
      : table;
    const match = `${words} MATCH ?`;
    const conditions = [
      hasWords &&
        (walksWords ? match : `${table}.id IN (SELECT rowid FROM ${words} WHERE ${match})`),
      ...filters.map((each) => `${column(each)} = ?`),
      hasAfter && afterCondition(sort, id),
    ].filter((condition) => condition !== false);
    const where = conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "";
    const direction = sort.descending ? "DESC" : "ASC";
    const order = sort.field === "id" ? [id] : [column(sort.field), id];
    return `SELECT ${columns} FROM ${source} ${where}
      ORDER BY ${list(order.map((each) => `${each} ${direction}`))} LIMIT ?`;
  }

  function afterCondition({ field, descending }: ListShape["sort"], id: string): string {
    const comparison = descending ? "<" : ">";
    // Some drivers send every number as a float, and FTS5 would not begin its walk at one.
    if (field === "id") return `${id} ${comparison} CAST(? AS INTEGER)`;
    return `(${column(field)}, ${id}) ${comparison} (?, ?)`;
  }
}

/** Words are letters and numbers only, so quoting them is all the escaping that FTS5 needs. */
function matchExpression(words: readonly string[]): string {
  return words.map((word) => `"${word}"*`).join(" AND ");
}
