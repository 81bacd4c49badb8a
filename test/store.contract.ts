import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Database } from "../src/database/database.ts";
import { DomainError } from "../src/errors.ts";
import type { Value, Values } from "../src/resources/field.ts";
import { completeInput, type Entry } from "../src/resources/resource.ts";
import type { ListQuery, Position, Sort, Store } from "../src/resources/store.ts";
import { createStore } from "../src/resources/stores/create-store.ts";
import { termsOf } from "../src/resources/words.ts";
import { SUBJECTS, type Subject } from "./samples.ts";

/** A database of one's own that never had an entry, with the tables of every subject. */
export type OpenedDatabase = {
  database: Database;
  /** Closes it and opens it again. Not for one that ends with its process. */
  reopen?: () => Promise<Database>;
  close: () => Promise<void>;
};

export type OpenDatabase = () => Promise<OpenedDatabase>;

const START = Date.parse("2026-01-01T00:00:00.000Z");
/** What the API promises, not what the stores say: 24 hours. */
const KEY_LIFETIME_MS = 86_400_000;
const BY_ID: Sort = { field: "id", descending: false };

/**
 * What every store does, as one suite for all of them and for resources of every kind.
 *
 * @param durable whether the database can be reopened: only then are there tests of that.
 */
export function storeContract(
  name: string,
  open: OpenDatabase,
  { durable }: { durable: boolean },
): void {
  for (const subject of SUBJECTS) contractOf(subject, { name, open, durable });
}

type Run = { name: string; open: OpenDatabase; durable: boolean };

function contractOf(subject: Subject, { name, open, durable }: Run): void {
  const { resource, label, input, other, vary, library } = subject;
  const everySort: Sort[] = ["id", ...resource.sort].flatMap((field) => [
    { field, descending: false },
    { field, descending: true },
  ]);
  const searches = resource.search.length > 0;

  describe(`${name}: store contract of ${resource.name}`, () => {
    let now = START;
    let opened: OpenedDatabase;
    let store: Store;
    const clock = () => now;

    beforeEach(async () => {
      now = START;
      opened = await open();
      store = createStore(opened.database, resource, clock);
    });

    afterEach(async () => {
      await opened.close();
    });

    const list = (query: Partial<ListQuery> = {}) =>
      store.list({ limit: 1000, sort: BY_ID, words: [], filters: {}, ...query });
    const labels = async (query: Partial<ListQuery> = {}) =>
      (await list(query)).map((entry) => entry[label]);
    const add = async (fields: Values = {}) => (await store.create({ ...input, ...fields })).entry;
    const addLabels = async (...all: string[]) => {
      for (const each of all) await add({ [label]: each });
    };
    /** Has a pool open its connections, so that the next operations need not wait in a queue. */
    const warmUp = () => Promise.all(Array.from({ length: 20 }, () => opened.database.ping()));
    const reopen = async () => {
      if (!opened.reopen) throw new Error(`${name} cannot be reopened`);
      store = createStore(await opened.reopen(), resource, clock);
    };

    describe("one entry", () => {
      test("is created, and got as it was created", async () => {
        const { entry, replayed } = await store.create(input);
        const at = new Date(START).toISOString();
        expect(entry).toEqual({ id: 1, ...input, created_at: at, updated_at: at });
        expect(replayed).toBe(false);
        expect(await store.get(1)).toEqual(entry);
        expect(await list()).toEqual([entry]);
      });

      test("is a plain object of one shape, whatever method it comes from", async () => {
        const { entry } = await store.create(input, "key");
        const all = [
          entry,
          (await store.create(input, "key")).entry,
          await store.get(1),
          ...(await list()),
          await store.update(1, vary(1966)),
        ];
        for (const each of all) {
          expect(Object.keys(each ?? {})).toEqual(Object.keys(entry));
          expect(Object.getPrototypeOf(each)).toBe(Object.prototype);
        }
        const fields = Object.keys(resource.fields);
        expect(Object.keys(entry)).toEqual(["id", ...fields, "created_at", "updated_at"]);
      });

      test("does not change when a caller changes what it was given", async () => {
        const given = { ...input };
        const { entry } = await store.create(given, "key");
        const before = { ...entry };
        Object.assign(given, other);
        for (const each of [entry, await store.get(1), ...(await list())]) {
          Object.assign(each ?? {}, other);
        }
        expect(await store.get(1)).toEqual(before);
        expect((await store.create(input, "key")).entry).toEqual(before);
      });

      test("is not there under another id", async () => {
        await add();
        expect(await store.get(2)).toBeUndefined();
        expect(await store.get(Number.MAX_SAFE_INTEGER)).toBeUndefined();
      });

      test.each(subject.kept)("keeps %s", async (_what, fields) => {
        const entry = await add(fields);
        expect(entry).toMatchObject(fields);
        expect(await store.get(entry.id)).toEqual(entry);
        expect(await list()).toEqual([entry]);
        expect((await store.create({ ...input, ...fields }, "key")).replayed).toBe(false);
        const again = await store.create({ ...input, ...fields }, "key");
        expect(again).toEqual({ entry: { ...entry, id: 2 }, replayed: true });
        const { id } = await add(other);
        expect(await store.update(id, { ...input, ...fields })).toMatchObject(fields);
        expect(await store.get(id)).toMatchObject(fields);
      });

      test("has null where an optional field is left out", async () => {
        const optional = Object.keys(resource.fields).filter(
          (each) => resource.fields[each]?.optional,
        );
        const given = Object.entries(input).filter(([each]) => !optional.includes(each));
        const entry = await add(Object.fromEntries(optional.map((each) => [each, undefined])));
        const nulls = Object.fromEntries(optional.map((each) => [each, null]));
        expect(entry).toMatchObject({ ...Object.fromEntries(given), ...nulls });
        expect(await store.get(1)).toEqual(entry);
        expect((await store.create(Object.fromEntries(given), "key")).replayed).toBe(false);
        expect(
          (await store.create({ ...Object.fromEntries(given), ...nulls }, "key")).replayed,
        ).toBe(true);
      });

      test("is deleted once", async () => {
        await add();
        expect(await store.delete(1)).toBeUndefined();
        expect(await store.get(1)).toBeUndefined();
        expect(await list()).toEqual([]);
        expect(await code(store.delete(1))).toBe("entry_not_found");
        expect(await code(store.update(1, vary(1)))).toBe("entry_not_found");
      });

      test("is changed in the fields that are given, and in no other", async () => {
        let expected: Entry = await add();
        for (const changes of subject.changes) {
          now += 1000;
          const updated_at = new Date(now).toISOString();
          expected = { ...expected, ...(changes as Record<string, Value>), updated_at };
          expect(await store.update(1, changes)).toEqual(expected);
          expect(await store.get(1)).toEqual(expected);
        }
      });
    });

    describe("ids", () => {
      test("count up from 1", async () => {
        const ids = [await add(), await add(), await add()].map(({ id }) => id);
        expect(ids).toEqual([1, 2, 3]);
      });

      test("are not reused when the newest entry, or every entry, is deleted", async () => {
        await add();
        await add();
        await store.delete(2);
        expect((await add()).id).toBe(3);
        await store.delete(1);
        await store.delete(3);
        expect((await add()).id).toBe(4);
      });

      test("differ between entries created at the same time", async () => {
        await warmUp();
        const entries = await Promise.all(Array.from({ length: 40 }, () => add()));
        expect(new Set(entries.map(({ id }) => id)).size).toBe(40);
        expect(await list()).toHaveLength(40);
      });
    });

    test("changes nothing for a request that is over", async () => {
      const entry = await add();
      for (const [limits, reason] of [
        [{ deadline: performance.now() }, "request_timeout"],
        [{ signal: AbortSignal.abort() }, "connection_lost"],
      ] as const) {
        expect(await code(store.create(input, undefined, limits))).toBe(reason);
        expect(await code(store.create(input, "key", limits))).toBe(reason);
        expect(await code(store.update(1, vary(1), undefined, limits))).toBe(reason);
        expect(await code(store.delete(1, undefined, limits))).toBe(reason);
      }
      expect(await list()).toEqual([entry]);
      expect((await store.create(input, "key")).replayed).toBe(false);
    });

    test("its maintenance changes nothing that counts", async () => {
      const first = await store.create(input, "key");
      now += KEY_LIFETIME_MS - 1;
      await store.removeExpired();
      while (await store.renewWords());
      expect(await store.create(input, "key")).toEqual({ ...first, replayed: true });
      expect(await list()).toEqual([first.entry]);
      now += 1;
      await store.removeExpired();
      expect((await store.create(input, "key")).replayed).toBe(false);
    });

    describe("updated_at", () => {
      test.each([
        ["stands still", 0],
        ["goes back", -60_000],
        ["goes on by less than a millisecond", 0.25],
      ])("moves on by a millisecond when the clock %s", async (_what, step) => {
        const entry = await add();
        for (const later of [1, 2, 3]) {
          now += step;
          const { updated_at, created_at } = await store.update(1, vary(1965));
          expect(Date.parse(updated_at)).toBe(START + later);
          expect(created_at).toBe(entry.created_at);
        }
      });

      test("is the clock's time when that is later", async () => {
        await add();
        now += 2;
        expect(Date.parse((await store.update(1, vary(1))).updated_at)).toBe(now);
      });

      test("goes from the end of the year 9999 back to the clock's time", async () => {
        now = Date.parse("9999-12-31T23:59:59.998Z");
        await add();
        const { updated_at: last } = await store.update(1, vary(1));
        expect(last).toBe("9999-12-31T23:59:59.999Z");
        now = START;
        const changed = await store.update(1, vary(2));
        expect(Date.parse(changed.updated_at)).toBe(START);
        expect(await store.get(1)).toEqual(changed);
      });

      test("differs after each of many changes at once", async () => {
        await add();
        await warmUp();
        const changed = await Promise.all(
          Array.from({ length: 20 }, (_, index) => store.update(1, vary(index))),
        );
        expect(new Set(changed.map(({ updated_at }) => updated_at)).size).toBe(20);
      });
    });

    describe("list", () => {
      const addLibrary = async () => {
        for (const each of library) await store.create(each);
      };

      const walk = async (query: Partial<ListQuery> & { limit: number; sort: Sort }) => {
        const entries: Entry[] = [];
        let after: Position | undefined;
        for (;;) {
          const page = await list({ ...query, after });
          entries.push(...page);
          const last = page.at(-1);
          if (!last || page.length < query.limit) return entries;
          after = positionOf(last, query.sort);
        }
      };

      test("is empty where there are no entries", async () => {
        expect(await list()).toEqual([]);
        for (const { query } of subject.found) expect(await list(query)).toEqual([]);
      });

      test.each(everySort)("sorts by $field, descending: $descending", async (sort) => {
        await addLibrary();
        const entries = await list({ sort });
        expect(entries).toHaveLength(library.length);
        for (const [index, entry] of entries.slice(1).entries()) {
          const before = entries[index] ?? entry;
          expect(inOrder(before, entry, sort)).toBe(true);
        }
      });

      test.each(everySort)("pages by $field, descending: $descending", async (sort) => {
        await addLibrary();
        const all = await list({ sort });
        for (const limit of [1, 2, 3, library.length, library.length + 1]) {
          expect(await walk({ sort, limit })).toEqual(all);
        }
      });

      test.each(everySort)("pages what is filtered by $field, $descending", async (sort) => {
        await addLibrary();
        for (const query of subject.divisions) {
          const all = await list({ sort, ...query });
          expect(all.length).toBeGreaterThan(1);
          expect(all.length).toBeLessThan(library.length);
          expect(await walk({ sort, limit: 1, ...query })).toEqual(all);
        }
      });

      test.each(subject.places)("goes on after a place where no entry is: %j", async (place) => {
        await addLibrary();
        const { sort, after, values } = place;
        const entries = await list({ sort, after });
        expect(entries.map((entry) => entry[sort.field] ?? null)).toEqual([...values]);
      });

      test.each(everySort)(
        "shows each entry once while others come and go, by $field, $descending",
        async (sort) => {
          for (let round = 0; round < 4; round += 1) await addLibrary();
          const before = await list({ sort });
          const shown: Entry[] = [];
          let after: Position | undefined;
          for (let page = 0; page < 20; page += 1) {
            const entries = await list({ sort, after, limit: 3 });
            shown.push(...entries);
            const last = entries.at(-1);
            if (!last) break;
            after = positionOf(last, sort);
            // The entry that the position stands for goes, and others come before and after it.
            await store.delete(last.id);
            await add(subject.first);
            await add(subject.last);
          }
          const ids = shown.map(({ id }) => id);
          expect(new Set(ids).size).toBe(ids.length);
          const old = shown.filter(({ id }) => id <= before.length);
          expect(old).toEqual(before);
        },
      );

      test.each(subject.found)("filters by exact values: %j", async ({ query, labels: found }) => {
        await addLibrary();
        expect(await labels(query)).toEqual([...found]);
      });

      test.each(subject.alike)("takes values for different: %j", async ({ filter, values }) => {
        for (const value of values) await add({ [filter]: value });
        expect(await list({ filters: { [filter]: values[1] } })).toHaveLength(1);
      });

      test.each(subject.textSorts)("sorts $field by code point", async (sort) => {
        // In UTF-16 units 😀 would come before U+FFFD, in a dictionary é before f and a before B.
        const expected = [
          "A",
          "B",
          "Z",
          "a",
          "aa",
          "a\u0301",
          "b",
          "z",
          "~",
          "\u00a1",
          "\u00e9",
          "\u0416",
          "\ud7ff",
          "\ue000",
          "\ufffd",
          "\uffff",
          "\u{10000}",
          "\u{1f600}",
          "\u{1f600}a",
          "\u{10ffff}",
        ];
        for (const text of [...expected].reverse()) await add({ [sort.field]: text });
        if (sort.descending) expected.reverse();
        const all = await list({ sort });
        expect(all.map((entry) => String(entry[sort.field]))).toEqual(expected);
        expect(await walk({ sort, limit: 2 })).toEqual(all);
      });

      test("gives no more entries than asked for", async () => {
        await addLibrary();
        for (const limit of [1, 2, 6]) expect(await list({ limit })).toHaveLength(limit);
      });
    });

    // The search is that of the words in the text of books: no other subject has one.
    const describeWords = () =>
      describe("words", () => {
        const search = (q: string) => labels({ words: termsOf(q) });

        test.each([
          ["a whole word", "Dune", "Dune"],
          ["the start of a word", "Mockingbird", "mock"],
          ["one letter", "Mockingbird", "M"],
          ["several words in any order", "To Kill a Mockingbird", "mock to kill"],
          ["words of title and author together", "Dune", "herb dun fra"],
          ["one word twice", "Dune", "dune dune"],
          ["whatever case", "STRAßE", "strasse"],
          ["whatever accents", "Café", "cafe"],
          ["stroked letters", "Łódź", "lodz"],
          ["a final sigma", "Ὀδυσσεύς", "ΟΔΥΣΣΕΥΣ"],
          ["digits", "Catch-22", "22"],
          ["letters beyond the BMP", "𐐀𐐁𐐂", "𐐨𐐩"],
          ["words that FTS5 knows as operators", "and OR not NEAR", "near and or not"],
          ["words that a stemmer or a stop list would take away", "the running of it", "the it of"],
          ["quotes and operators around words", "Dune", `"dune' & | ! <-> :* ^ () {} - + ~ \\ %`],
          ["Devanagari with its vowel signs", "हिन्दी साहित्य", "हिन्दी"],
          ["a long word by its start", "x".repeat(255), "x".repeat(100)],
          ["a long word as a whole", "x".repeat(255), "x".repeat(255)],
          ["a long word of four-byte letters", "𐐀".repeat(255), "𐐀".repeat(255)],
          ["a word that unfolds beyond what is kept", "\ufdf4".repeat(255), "\ufdf4".repeat(255)],
          ["a start of such a word", "\u3300".repeat(255), "\u3300".repeat(20)],
          ["as many bytes as a title unfolds to", "\u3316".repeat(255), "\u3316".repeat(255)],
          ["18 letters in one, 255 times", "\ufdfa".repeat(255), "\ufdfa".repeat(255)],
          ["as many words as fit", "a ".repeat(127).trim(), "a ".repeat(127)],
          ["many different words", letters(127), letters(127)],
          ["a word by what follows its apostrophe", "d\u2019aujourd\u2019hui", "aujourd'hui"],
          ["a word with an apostrophe by its letters", "п\u02bcять", "пять"],
          ["a word with a soft hyphen", "Donau\u00addampf", "donaudampf"],
          ["pointed Hebrew without its points", "\u05e9\u05c1\u05b8\u05dc", "\u05e9\u05dc"],
          ["the inside of a text without spaces", "東京物語と桜の園の話", "物語と桜の園の話"],
          ["a long part of one", letters(255).replaceAll(" ", ""), letters(60).replaceAll(" ", "")],
          ["as much Thai as fits", "ภาษาไทยน้ำ".repeat(25), "น้ำภาษา"],
        ])("find %s", async (_what, title, q) => {
          await addLabels("Something else", title);
          expect(await search(q)).toEqual([title]);
        });

        test.each([
          ["the inside of a word", "Mockingbird", "bird"],
          ["a longer word", "Dune", "dunes"],
          ["a word that is not there next to one that is", "Dune", "dune arrakis"],
          ["words run together", "Catch-22", "catch22"],
          ["another word's stem", "run", "running"],
          ["a column's name", "Dune", "title words"],
          ["a long word that differs in its last letter", "x".repeat(255), `${"x".repeat(254)}y`],
        ])("do not find %s", async (_what, title, q) => {
          await addLabels(title);
          expect(await search(q)).toEqual([]);
        });

        test("that are none filter nothing", async () => {
          await addLabels("a", "b");
          expect(await search("!?")).toEqual(["a", "b"]);
        });

        test("find an entry whose text has none", async () => {
          await store.create({ title: "!?", author: "…", year: 1 });
          expect(await search("")).toEqual(["!?"]);
          expect(await search("a")).toEqual([]);
        });

        test("follow an entry through its changes", async () => {
          await add();
          await store.update(1, { title: "Arrakis" });
          expect(await search("dune")).toEqual([]);
          expect(await search("arra frank")).toEqual(["Arrakis"]);
          await store.update(1, { author: "Somebody" });
          expect(await search("frank")).toEqual([]);
          await store.update(1, { year: 1 });
          expect(await search("arrakis somebody")).toEqual(["Arrakis"]);
          await store.delete(1);
          expect(await search("arrakis")).toEqual([]);
        });
      });
    if (searches) describeWords();

    describe("an idempotency key", () => {
      const count = async () => (await list()).length;

      test("gives the first answer again for the same input", async () => {
        const first = await store.create(input, "key");
        now += 1000;
        expect(await store.create(input, "key")).toEqual({ ...first, replayed: true });
        expect(await store.create({ ...input }, "key")).toEqual({ ...first, replayed: true });
        expect(await count()).toBe(1);
      });

      test("gives the first answer again when the entry has changed, or is gone", async () => {
        const first = await store.create(input, "key");
        await store.update(1, other);
        expect(await store.create(input, "key")).toEqual({ ...first, replayed: true });
        expect(await code(store.create(other, "key"))).toBe("idempotency_key_reused");
        await store.delete(1);
        expect(await store.create(input, "key")).toEqual({ ...first, replayed: true });
        expect(await count()).toBe(0);
      });

      test.each(subject.differences)("refuses another input: %j", async (difference) => {
        await store.create(input, "key");
        const another = store.create({ ...input, ...difference }, "key");
        expect(await code(another)).toBe("idempotency_key_reused");
        expect(await count()).toBe(1);
        expect((await store.create(input, "key")).replayed).toBe(true);
      });

      test("is another one for every resource", async () => {
        const first = await store.create(input, "key");
        for (const { resource: next, input: theirs } of SUBJECTS) {
          if (next.name === resource.name) continue;
          const others = createStore(opened.database, next, clock);
          const answer = await others.create(theirs, "key");
          expect(answer).toMatchObject({ entry: { id: 1, ...theirs }, replayed: false });
          expect(await others.create(theirs, "key")).toEqual({ ...answer, replayed: true });
        }
        expect(await store.create(input, "key")).toEqual({ ...first, replayed: true });
        expect(await count()).toBe(1);
      });

      test("is taken as it is", async () => {
        const keys = ["k", "K", " k", "k ", "'k'", '"', "\\", "%", "k".repeat(255)];
        for (const key of keys) expect((await store.create(input, key)).replayed).toBe(false);
        for (const key of keys) expect((await store.create(input, key)).replayed).toBe(true);
        expect(await count()).toBe(keys.length);
      });

      test("has nothing to do with entries created without one", async () => {
        await store.create(input, "key");
        expect((await store.create(input)).replayed).toBe(false);
        expect(await count()).toBe(2);
      });

      test("makes one entry of many calls at once", async () => {
        await warmUp();
        const calls = Array.from({ length: 20 }, () => store.create(input, "key"));
        const answers = await Promise.all(calls);
        expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
        expect(new Set(answers.map(({ entry }) => JSON.stringify(entry))).size).toBe(1);
        expect(await count()).toBe(1);
      });

      test("lets one input win of many different ones at once", async () => {
        await warmUp();
        const codes = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            code(store.create({ ...input, ...vary(index) }, "key")),
          ),
        );
        expect(codes.filter((each) => each === undefined)).toHaveLength(1);
        expect(codes.filter((each) => each === "idempotency_key_reused")).toHaveLength(19);
        expect(await count()).toBe(1);
      });

      test("holds for 24 hours by the clock, and is free from then on", async () => {
        const first = await store.create(input, "key");
        now = START + KEY_LIFETIME_MS - 1;
        expect(await store.create(input, "key")).toEqual({ ...first, replayed: true });
        now = START + KEY_LIFETIME_MS;
        const second = await store.create(other, "key");
        expect(second).toMatchObject({ entry: { id: 2, ...other }, replayed: false });
        now += KEY_LIFETIME_MS - 1;
        expect(await store.create(other, "key")).toEqual({ ...second, replayed: true });
      });

      test("holds for 24 hours also when the clock went back in between", async () => {
        await store.create(input, "early");
        now = START - 1000;
        await store.create(input, "late");
        now = START - 1000 + KEY_LIFETIME_MS;
        expect((await store.create(input, "late")).replayed).toBe(false);
        expect((await store.create(input, "early")).replayed).toBe(true);
      });

      test("that has run out stays out of the way, however many have", async () => {
        for (let key = 0; key < 120; key += 1) await store.create(input, `key ${key}`);
        now += KEY_LIFETIME_MS;
        for (const key of [119, 0, 60]) {
          expect((await store.create(other, `key ${key}`)).replayed).toBe(false);
          expect((await store.create(other, `key ${key}`)).replayed).toBe(true);
        }
      });

      test("at once with others after it ran out makes one entry", async () => {
        await store.create(input, "key");
        now += KEY_LIFETIME_MS;
        await warmUp();
        const calls = Array.from({ length: 10 }, () => store.create(other, "key"));
        const answers = await Promise.all(calls);
        expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
        expect(await count()).toBe(2);
      });
    });

    describe("a precondition", () => {
      test("lets a change through while the entry is as expected", async () => {
        const entry = await add();
        const changed = await store.update(1, vary(1), { updatedAt: entry.updated_at });
        expect(changed).toMatchObject(vary(1));
        await store.delete(1, { updatedAt: changed.updated_at });
        expect(await list()).toEqual([]);
      });

      test("keeps a change from an entry that is not as expected any more", async () => {
        const { updated_at } = await add();
        const changed = await store.update(1, vary(1));
        const precondition = { updatedAt: updated_at };
        expect(await code(store.update(1, other, precondition))).toBe("precondition_failed");
        expect(await code(store.delete(1, precondition))).toBe("precondition_failed");
        expect(await store.get(1)).toEqual(changed);
      });

      test("on an entry that is not there: it is not found", async () => {
        const precondition = { updatedAt: new Date(START).toISOString() };
        expect(await code(store.update(1, other, precondition))).toBe("entry_not_found");
        expect(await code(store.delete(1, precondition))).toBe("entry_not_found");
      });

      test("lets exactly one of many changes at once win", async () => {
        const { updated_at } = await add();
        await warmUp();
        const codes = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            code(store.update(1, vary(index), { updatedAt: updated_at })),
          ),
        );
        const winner = codes.indexOf(undefined);
        expect(codes.filter((each) => each === undefined)).toHaveLength(1);
        expect(codes.filter((each) => each === "precondition_failed")).toHaveLength(19);
        expect(await store.get(1)).toMatchObject(vary(winner));
      });

      test("lets exactly one win of changes and deletions at once", async () => {
        const { updated_at } = await add();
        await warmUp();
        const precondition = { updatedAt: updated_at };
        const codes = await Promise.all(
          Array.from({ length: 10 }, (_, index) => [
            code(store.update(1, vary(index), precondition)),
            code(store.delete(1, precondition)),
          ]).flat(),
        );
        expect(codes.filter((each) => each === undefined)).toHaveLength(1);
      });
    });

    describe("samples", () => {
      const { samples } = resource;

      test("are added to a resource that never had an entry", async () => {
        await store.addSamples(samples);
        const at = new Date(START).toISOString();
        const times = { created_at: at, updated_at: at };
        expect(await list()).toEqual(
          samples.map((sample, index) => ({
            ...{ id: index + 1, ...completeInput(resource, sample), ...times },
          })),
        );
        expect((await add()).id).toBe(samples.length + 1);
      });

      const testWords = () =>
        test("of books are found by their words", async () => {
          await store.addSamples(samples);
          expect(await list()).toMatchObject([
            { title: "1984", author: "George Orwell", year: 1949 },
            { title: "To Kill a Mockingbird", author: "Harper Lee", year: 1960 },
          ]);
          expect(await labels({ words: ["orw"] })).toEqual(["1984"]);
        });
      if (searches) testWords();

      test("may be none, or many", async () => {
        await store.addSamples([]);
        expect(await list()).toEqual([]);
        const many = Array.from({ length: 100 }, (_, index) => ({ ...input, ...vary(index) }));
        await store.addSamples(many);
        const added = await list();
        expect(added).toHaveLength(100);
        for (const [index, entry] of added.entries()) {
          expect(entry).toMatchObject({ id: index + 1, ...input, ...vary(index) });
        }
      });

      test("are added once, of calls that come together", async () => {
        await warmUp();
        await Promise.all(Array.from({ length: 5 }, () => store.addSamples(samples)));
        expect(await list()).toHaveLength(2);
      });

      test("have nothing to do with another resource's entries", async () => {
        await add();
        for (const { resource: next } of SUBJECTS) {
          if (next.name === resource.name) continue;
          const others = createStore(opened.database, next, clock);
          await others.addSamples(next.samples);
          const sort = BY_ID;
          expect(await others.list({ limit: 9, sort, words: [], filters: {} })).toHaveLength(2);
        }
        expect(await list()).toHaveLength(1);
      });

      test("are not added again", async () => {
        await store.addSamples(samples);
        if (durable) await reopen();
        await store.addSamples(samples);
        expect(await list()).toHaveLength(2);
      });

      test("do not come back when they were deleted", async () => {
        await store.addSamples(samples);
        await store.delete(1);
        await store.delete(2);
        if (durable) await reopen();
        await store.addSamples(samples);
        expect(await list()).toEqual([]);
        expect((await add()).id).toBe(3);
      });

      test("do not join entries that are there, or were", async () => {
        const entry = await add();
        if (durable) await reopen();
        await store.addSamples(samples);
        expect(await list()).toEqual([entry]);
        await store.delete(1);
        if (durable) await reopen();
        await store.addSamples(samples);
        expect(await list()).toEqual([]);
      });
    });

    test("answers a ping", async () => {
      expect(await opened.database.ping()).toBe("ok");
    });

    if (!durable) return;

    describe("reopened", () => {
      test("has every entry and every answer", async () => {
        const first = await store.create(input, "key");
        await add(other);
        const changed = await store.update(2, vary(1));
        await add();
        await store.delete(3);
        await reopen();
        expect(await list()).toEqual([first.entry, changed]);
        if (searches) expect(await labels({ words: ["emma"] })).toEqual(["Emma"]);
        expect(await store.create(input, "key")).toEqual({ ...first, replayed: true });
        expect((await add()).id).toBe(4);
      });
    });
  });
}

/** The code of the domain error that an operation fails with; any other error is a failure. */
async function code(operation: Promise<unknown>): Promise<string | undefined> {
  try {
    await operation;
    return undefined;
  } catch (error) {
    if (error instanceof DomainError) return error.code;
    throw error;
  }
}

function positionOf(entry: Entry, { field }: Sort): Position {
  return { value: entry[field] ?? "", id: entry.id };
}

function inOrder(left: Entry, right: Entry, { field, descending }: Sort): boolean {
  const order =
    typeof left[field] === "number"
      ? Number(left[field]) - Number(right[field])
      : byBytes(String(left[field]), String(right[field]));
  const ascending = order || left.id - right.id;
  return descending ? ascending > 0 : ascending < 0;
}

/** The order of UTF-8 bytes, which is that of code points. */
function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** So many different words of one letter. */
function letters(count: number): string {
  const words = Array.from({ length: count }, (_, index) => String.fromCodePoint(0x4e00 + index));
  return words.join(" ");
}
