import { WORKLOADS, type Workload } from "../workloads.ts";
import { BOOK } from "../writes.ts";

/** A kind of request that is measured, and whose cost the model uses. */
export type Load = Pick<Workload, "id" | "title" | "path" | "init" | "database"> & {
  /** Its time varies because the disk's does, and not because the instance's does. */
  waitsForDisk: boolean;
  /** How many instances answer it, in one run each. */
  instances: readonly number[];
};

/** A SQLite file belongs to one instance; an echo asks no database. */
const ONE = [1];
const SEVERAL = [1, 2, 3];

const create = { path: "/books", init: BOOK, waitsForDisk: true };
const [echo, book, list] = ["process", "book", "books"].map(workload);

export const LOADS: readonly Load[] = [
  { ...load(echo), instances: SEVERAL },
  { ...load(book), instances: ONE },
  { ...load(list), instances: ONE },
  { ...create, id: "create", title: "POST /books", database: "sqlite", instances: ONE },
  ...[load(book), load(list), { ...create, id: "create", title: "POST /books" }].map((each) => ({
    ...each,
    id: `${each.id}-postgres`,
    title: `${each.title}, PostgreSQL`,
    database: "postgres" as const,
    instances: SEVERAL,
  })),
];

function workload(id: string): Workload | undefined {
  return WORKLOADS.find((each) => each.id === id);
}

function load(of: Workload | undefined) {
  if (!of) throw new Error("bench/workloads.ts has no workload of this name");
  const { id, title, path, init, database } = of;
  return { id, title, path, init, database, waitsForDisk: false };
}
