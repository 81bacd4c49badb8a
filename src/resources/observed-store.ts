import type { BookStore } from "./store.ts";

/** What a store is asked to do, as metrics and traces name it. */
export type StoreOperation = Exclude<keyof BookStore, "close">;

/** Does the work of an operation, and may look at when it begins and how it ends. */
export type Observe = <T>(operation: StoreOperation, work: () => Promise<T>) => Promise<T>;

/** A store each of whose operations somebody watches. */
export function observeStore(store: BookStore, observe: Observe): BookStore {
  return {
    ping: () => observe("ping", () => store.ping()),
    list: (query) => observe("list", () => store.list(query)),
    get: (id) => observe("get", () => store.get(id)),
    create: (input, key) => observe("create", () => store.create(input, key)),
    update: (id, changes, precondition) =>
      observe("update", () => store.update(id, changes, precondition)),
    delete: (id, precondition) => observe("delete", () => store.delete(id, precondition)),
    close: () => store.close(),
  };
}
