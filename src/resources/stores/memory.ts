import type { MemoryDatabase } from "../../database/memory.ts";
import { type Clock, rfc3339 } from "../../time.ts";
import { requireEntry, requireSameInput, requireWanted } from "../errors.ts";
import { INSTANT_MAX, type Value, type Values } from "../field.ts";
import { applyChanges, completeInput, type Entry, hasWords, type Resource } from "../resource.ts";
import {
  IDEMPOTENCY_WINDOW_MS,
  type ListQuery,
  type Position,
  type Sort,
  type Store,
} from "../store.ts";

type Answer = { entry: Entry; createdAt: number };
type Table = { entries: Map<number, Entry>; answers: Map<string, Answer>; lastId: number };

/** A store whose entries live and end with the process. */
export function createMemoryStore(
  database: MemoryDatabase,
  resource: Resource,
  clock: Clock,
): Store {
  const table = database.table<Table>(resource.name, () => ({
    entries: new Map(),
    answers: new Map(),
    lastId: 0,
  }));
  const { entries, answers } = table;

  function add(input: Values): Entry {
    const now = rfc3339(clock());
    table.lastId += 1;
    const times = { created_at: now, updated_at: now };
    const entry: Entry = { id: table.lastId, ...completeInput(resource, input), ...times };
    entries.set(entry.id, entry);
    return entry;
  }

  return {
    async list(query, limits) {
      requireWanted(limits);
      return [...entries.values()]
        .filter((entry) => isListed(resource, entry, query))
        .sort((left, right) => compare(left, positionOf(right, query.sort), query.sort))
        .slice(0, query.limit)
        .map((entry) => ({ ...entry }));
    },

    async get(id) {
      const entry = entries.get(id);
      return entry && { ...entry };
    },

    async create(input, idempotencyKey, limits) {
      requireWanted(limits);
      if (idempotencyKey === undefined) return { entry: { ...add(input) }, replayed: false };
      const oldest = clock() - IDEMPOTENCY_WINDOW_MS;
      dropExpired(answers, oldest);
      const earlier = answers.get(idempotencyKey);
      if (earlier && earlier.createdAt > oldest) {
        requireSameInput(resource, earlier.entry, completeInput(resource, input));
        return { entry: { ...earlier.entry }, replayed: true };
      }
      const entry = add(input);
      answers.set(idempotencyKey, { entry, createdAt: clock() });
      return { entry: { ...entry }, replayed: false };
    },

    async update(id, changes, precondition, limits) {
      requireWanted(limits);
      const entry = requireEntry(resource, id, entries.get(id), precondition);
      const earliest = Date.parse(entry.updated_at) + 1;
      // Forward, except from the end of time, where there is no later state.
      const updatedAt = earliest <= Date.parse(INSTANT_MAX) ? Math.max(clock(), earliest) : clock();
      const updated = {
        ...applyChanges(resource, entry, changes),
        updated_at: rfc3339(updatedAt),
      };
      entries.set(id, updated);
      return { ...updated };
    },

    async delete(id, precondition, limits) {
      requireWanted(limits);
      requireEntry(resource, id, entries.get(id), precondition);
      entries.delete(id);
    },

    async addSamples(inputs) {
      if (table.lastId === 0) inputs.forEach(add);
    },

    async removeExpired() {
      dropExpired(answers, clock() - IDEMPOTENCY_WINDOW_MS);
    },

    // They are made when they are searched.
    renewWords: async () => false,
  };
}

/**
 * Answers are in the order of their age, so the first that still counts ends the search. If the clock
 * went back, some that have expired wait after it.
 */
function dropExpired(answers: Map<string, Answer>, oldest: number): void {
  for (const [key, { createdAt }] of answers) {
    if (createdAt > oldest) return;
    answers.delete(key);
  }
}

function isListed(resource: Resource, entry: Entry, query: ListQuery): boolean {
  const { words, filters, after, sort } = query;
  return (
    resource.filter.every((name) => filters[name] === undefined || filters[name] === entry[name]) &&
    hasWords(resource, entry, words) &&
    (after === undefined || compare(entry, after, sort) > 0)
  );
}

function positionOf(entry: Entry, { field }: Sort): Position {
  return { value: entry[field] ?? "", id: entry.id };
}

/** Negative if `entry` comes before the position, positive if it comes after. */
function compare(entry: Entry, position: Position, sort: Sort): number {
  const ascending =
    compareValues(entry[sort.field] ?? "", position.value) || entry.id - position.id;
  return sort.descending ? -ascending : ascending;
}

function compareValues(left: NonNullable<Value>, right: NonNullable<Value>): number {
  if (typeof left === "string") return compareCodePoints(left, String(right));
  return Number(left) - Number(right);
}

/** Unlike `<`, which compares UTF-16 units, this agrees with the databases' order of UTF-8 bytes. */
function compareCodePoints(left: string, right: string): number {
  const a = [...left];
  const b = [...right];
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const difference = (a[index]?.codePointAt(0) ?? 0) - (b[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
