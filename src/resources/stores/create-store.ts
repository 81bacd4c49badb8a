import type { Database } from "../../database/database.ts";
import type { Clock } from "../../time.ts";
import type { ChangesOf, EntryOf, InputOf, Resource } from "../resource.ts";
import type { Store } from "../store.ts";
import { createD1Store } from "./d1.ts";
import { createMemoryStore } from "./memory.ts";
import { createPostgresStore } from "./postgres.ts";
import { createSqliteStore } from "./sqlite.ts";

/** The store of a resource, in the types of its definition if that is known. */
export type StoreOf<R extends Resource> = string extends R["name"]
  ? Store
  : Store<EntryOf<R>, InputOf<R>, ChangesOf<R>>;

/**
 * The entries of a resource in a database.
 *
 * @param clock says when an entry was added or changed.
 */
export function createStore<R extends Resource>(
  database: Database,
  resource: R,
  clock: Clock = Date.now,
): StoreOf<R> {
  // The stores go by the definition, and so do the types.
  return untypedStore(database, resource, clock) as StoreOf<R>;
}

function untypedStore(database: Database, resource: Resource, clock: Clock): Store {
  switch (database.kind) {
    case "memory":
      return createMemoryStore(database, resource, clock);
    case "sqlite":
      return createSqliteStore(database, resource, clock);
    case "d1":
      return createD1Store(database, resource, clock);
    case "postgres":
      return createPostgresStore(database, resource, clock);
  }
}
