import type { DatabaseLifecycle } from "./lifecycle.ts";

/** A database that lives and ends with the process. */
export type MemoryDatabase = DatabaseLifecycle & {
  kind: "memory";
  /** The table of a name, which `make` makes when it is first asked for. */
  table<T>(name: string, make: () => T): T;
};

export function createMemoryDatabase(): MemoryDatabase {
  const tables = new Map<string, unknown>();
  return {
    kind: "memory",

    table<T>(name: string, make: () => T): T {
      if (!tables.has(name)) tables.set(name, make());
      return tables.get(name) as T;
    },

    migrate: async () => 0,
    ping: async () => "ok",
    close: async () => {},
  };
}
