import type { PostgresDatabase, PostgresValue, Query } from "../../database/postgres.ts";
import { list, quoted } from "../../database/sql.ts";
import type { Clock } from "../../time.ts";
import { entryChanged, requireEntry, requireSameInput, requireWanted } from "../errors.ts";
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
  type Precondition,
  RENEWED_PER_CALL,
  type Store,
} from "../store.ts";
import { WORDS_VERSION } from "../words.ts";
import { attemptChange } from "./attempts.ts";
import { type ListShape, listShapes, listValues } from "./list-shapes.ts";
import { decomposedTexts, nextPlace, placeOfRenewal } from "./renewal.ts";
import { rowReader } from "./rows.ts";

/** A store on a PostgreSQL database. Each operation is one statement, where that is possible. */
export function createPostgresStore(
  database: PostgresDatabase,
  resource: Resource,
  clock: Clock,
): Store {
  const { toEntry, first, requireFirst } = rowReader(resource, "postgres");
  const statements = postgresStatements(resource);
  const { SQL, listSql, lexemes } = statements;
  const hasWords = resource.search.length > 0;

  const get = (id: number, limits?: OperationLimits) =>
    database.read(async (query) => first(await query(SQL.get, [id])), limits?.deadline);

  const apply = ({ text, values }: Change, limits?: OperationLimits) =>
    database.change(async (query) => {
      requireWanted(limits);
      return query(text, values);
    }, limits?.deadline);

  const createOnce = (input: Values, key: string, limits?: OperationLimits): Promise<Creation> =>
    attemptChange(`the idempotency key of a ${resource.one}`, async () => {
      const [row] = await apply(statements.createOnce(input, key, clock()), limits);
      // Another call has taken the key just now: the next statement sees its answer.
      if (!row) return undefined;
      const entry = entryFromJson(resource, row.answer);
      const replayed = row.replayed === true;
      if (replayed) requireSameInput(resource, entry, input);
      return { entry, replayed };
    });

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

    get,

    async create(input, idempotencyKey, limits) {
      const complete = completeInput(resource, input);
      if (idempotencyKey !== undefined) return createOnce(complete, idempotencyKey, limits);
      const rows = await apply(statements.insert(complete, clock()), limits);
      return { entry: requireFirst(rows), replayed: false };
    },

    async update(id, changes, precondition, limits) {
      const needsEntry = needsOtherWords(resource, changes);
      const require = async () => requireEntry(resource, id, await get(id, limits), precondition);
      return attemptChange(`${resource.one} ${id}`, async () => {
        const entry = needsEntry ? await require() : undefined;
        const change = statements.update({ id, changes, entry, precondition, now: clock() });
        const changed = first(await apply(change, limits));
        // Says why there is none, where the attempt did not begin with that.
        if (!changed && !needsEntry) await require();
        return changed;
      });
    },

    async delete(id, precondition, limits) {
      const deleted = await apply(statements.delete(id, precondition), limits);
      if (deleted.length > 0) return;
      const left = precondition && (await get(id, limits));
      requireEntry(resource, id, left, precondition);
      throw entryChanged(resource, id);
    },

    addSamples: (inputs) =>
      database.write(async (query) => {
        // Of instances that start together, one adds them.
        await query(SQL.lockTable);
        const [sequence] = await query(SQL.sequence);
        if (sequence?.is_called === true) return;
        for (const input of inputs) {
          const { text, values } = statements.insert(completeInput(resource, input), clock());
          await query(text, values);
        }
        if (!hasWords) return;
        // Their words are new, and so there is nothing to renew.
        await query(SQL.addWordsState, [resource.name]);
        await query(SQL.setWordsState, [resource.name, WORDS_VERSION, null]);
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
      if (!changes) continue;
      const { text, values } = statements.update({ id: entry.id, entry, changes, now: clock() });
      await query(text, values);
    }
    const words = entries.map((entry) => ({ id: entry.id, words: lexemes(entry)[0] }));
    await query(SQL.setWords, [JSON.stringify(words)]);
    const next = nextPlace(entries);
    await query(SQL.setWordsState, [name, WORDS_VERSION, next]);
    return next !== null;
  }
}

/** One statement that changes the database, with the values of its placeholders. */
type Change = { text: string; values: PostgresValue[] };

type Update = {
  id: number;
  changes: Values;
  /** As it was read, where the words of the changed entry depend on its other fields. */
  entry?: Entry | undefined;
  precondition?: Precondition | undefined;
  now: number;
};

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
  const into = [...names, "created_at", "updated_at", ...(hasWords ? ["words"] : [])].map(quoted);

  const SQL = {
    get: `SELECT ${columns} FROM ${table} WHERE id = $1`,
    find: `SELECT ${columns} FROM ${table} WHERE id = ANY($1::bigint[])`,
    insert: insertSql(),
    insertOnce: insertOnceSql(),
    update: updateSql(false),
    updateWords: updateSql(true),
    delete: `DELETE FROM ${table}
      WHERE id = $1 AND ($2::timestamptz IS NULL OR updated_at = $2) RETURNING id`,
    lockTable: `LOCK TABLE ${table} IN EXCLUSIVE MODE`,
    sequence: `SELECT is_called FROM ${idSequence(resource)}`,
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

  /** The columns' values, from a place on: the fields, the time twice, and the words, where there are any. */
  function insertedValues(place: number): string {
    const now = `$${place + names.length}`;
    // As one text, for which the driver need not ask the server about its types of arrays.
    const words = hasWords ? [lexemesOf(`$${place + names.length + 1}`)] : [];
    return list([...names.map((_, index) => `$${place + index}`), now, now, ...words]);
  }

  function insertSql(): string {
    return `INSERT INTO ${table} (${list(into)}) VALUES (${insertedValues(1)}) RETURNING ${columns}`;
  }

  /**
   * Adds an entry under an idempotency key, or finds the answer that the key stands for already. There is no
   * row if another call took the key after the statement began: what it sees is from before that, but the key
   * itself is only taken once. Both happen or neither, so that no transaction is needed around it.
   *
   * The key that has run out is taken again and not removed, as no statement may change a row twice.
   */
  function insertOnceSql(): string {
    return `WITH known AS (
        SELECT answer FROM idempotency_keys WHERE resource = $1 AND key = $2 AND created_at > $4
      ), next AS MATERIALIZED (
        SELECT nextval('${idSequence(resource)}') AS id WHERE NOT EXISTS (SELECT 1 FROM known)
      ), taken AS (
        INSERT INTO idempotency_keys (resource, key, created_at, answer)
          SELECT $1, $2, $3, jsonb_set($5::text::jsonb, '{id}', to_jsonb(id)) FROM next
        ON CONFLICT (resource, key) DO UPDATE
          SET created_at = excluded.created_at, answer = excluded.answer
          WHERE idempotency_keys.created_at <= $4
        RETURNING answer
      ), created AS (
        INSERT INTO ${table} (${list(["id", ...into])})
          SELECT (answer->>'id')::bigint, ${insertedValues(6)} FROM taken
      ), expired AS (
        DELETE FROM idempotency_keys WHERE EXISTS (SELECT 1 FROM taken) AND (resource, key) IN (
          SELECT resource, key FROM idempotency_keys
          WHERE created_at <= $4 AND (resource, key) <> ($1, $2)
          ORDER BY created_at LIMIT ${EXPIRED_ANSWERS_PER_CALL} FOR UPDATE SKIP LOCKED)
      )
      SELECT answer, true AS replayed FROM known UNION ALL SELECT answer, false FROM taken`;
  }

  /**
   * One statement for every set of changed fields: each brings whether it is changed, and its value. Where
   * words are written, the searched fields that are not changed must be as they were read.
   */
  function updateSql(writesWords: boolean): string {
    const [id, state, now, words] = [1, 2, 3, 4].map((place) => `$${place}`);
    const first = writesWords ? 5 : 4;
    const isChanged = (index: number) => `$${first + 2 * index}::boolean`;
    const sets = names.map((each, index) => {
      const value = `$${first + 2 * index + 1}`;
      return `${quoted(each)} = CASE WHEN ${isChanged(index)} THEN ${value} ELSE ${quoted(each)} END`;
    });
    const asRead = search.map((each, index) => {
      const value = `$${first + 2 * names.length + index}`;
      return `AND (${isChanged(names.indexOf(each))} OR ${quoted(each)} IS NOT DISTINCT FROM ${value})`;
    });
    // Forward, except from the end of time, where there is no later state.
    const nextTime = `CASE WHEN updated_at < timestamptz '${INSTANT_MAX}'
      THEN greatest(${now}, updated_at + interval '1 millisecond') ELSE ${now} END`;
    return `UPDATE ${table} SET ${list(sets)}, updated_at = ${nextTime}
        ${writesWords ? `, words = ${lexemesOf(`${words}`)}` : ""}
      WHERE id = ${id} AND (${state}::timestamptz IS NULL OR updated_at = ${state})
        ${writesWords ? asRead.join(" ") : ""} RETURNING ${columns}`;
  }

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

  const storedValues = (values: Values): PostgresValue[] =>
    names.map((each) => values[each] ?? null);

  /** The value for the words, where the resource has any. */
  const lexemes = (values: Values): string[] =>
    hasWords ? [[...new Set(searchWords(resource, values))].join(" ")] : [];

  return {
    SQL,
    listSql: listShapes(resource, listOf),
    lexemes,

    insert: (input: Values, now: number): Change => ({
      text: SQL.insert,
      values: [...storedValues(input), new Date(now), ...lexemes(input)],
    }),

    /** Its row has the `answer` to the key, and whether it is `replayed`. */
    createOnce(input: Values, key: string, now: number): Change {
      const at = new Date(now);
      const answer = { id: 0, ...input, created_at: at, updated_at: at };
      const ofKey = [name, key, at, new Date(now - IDEMPOTENCY_WINDOW_MS), JSON.stringify(answer)];
      const values = [...ofKey, ...storedValues(input), at, ...lexemes(input)];
      return { text: SQL.insertOnce, values };
    },

    /** Its row is the changed entry. There is none if the entry is not in the expected state. */
    update({ id, changes, entry, precondition, now }: Update): Change {
      const isChanged = (each: string) => changes[each] !== undefined;
      const fields = names.flatMap((each) => [isChanged(each), changes[each] ?? null]);
      const inState = [id, stateOf(precondition), new Date(now)];
      if (!search.some(isChanged)) return { text: SQL.update, values: [...inState, ...fields] };
      const words = lexemes(entry ? applyChanges(resource, entry, changes) : changes);
      const asRead = search.map((each) => entry?.[each] ?? null);
      return { text: SQL.updateWords, values: [...inState, ...words, ...fields, ...asRead] };
    },

    /** It has a row if the entry was there, in the expected state. */
    delete: (id: number, precondition?: Precondition): Change => ({
      text: SQL.delete,
      values: [id, stateOf(precondition)],
    }),
  };
}

const stateOf = (precondition: Precondition | undefined) =>
  precondition ? new Date(precondition.updatedAt) : null;

/** Whether the words of a changed entry depend also on fields that are not changed. */
function needsOtherWords({ search }: Resource, changes: Values): boolean {
  const changed = search.filter((each) => changes[each] !== undefined);
  return changed.length > 0 && changed.length < search.length;
}

/** Words are letters and numbers only, so quoting them is all the escaping that a tsquery needs. */
function prefixQuery(words: readonly string[]): string {
  return words.map((word) => `'${word}':*`).join(" & ");
}
