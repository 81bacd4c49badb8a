import { books } from "../src/books.ts";
import type { Migrations } from "../src/database/migrations/migration.ts";
import { boolean, choice, instant, integer, number, text } from "../src/resources/field.ts";
import { postgresMigration, sqliteMigration } from "../src/resources/migration.ts";
import { defineResource, type EntryOf } from "../src/resources/resource.ts";
import { MIGRATIONS } from "../src/transfer/copy.ts";

/** A resource that has every kind of field, each also as an optional one. */
export const measurements = defineResource("field_measurements", {
  one: "field_measurement",
  fields: {
    place: text({ max: 100 }),
    note: text({ max: 100, optional: true }),
    count: integer({}),
    order: integer({ min: 0, max: 9, optional: true }),
    value: number({}),
    error: number({ min: 0, optional: true }),
    valid: boolean({}),
    checked: boolean({ optional: true }),
    at: instant({}),
    until: instant({ optional: true }),
    unit: choice(["m", "kg"], {}),
    scale: choice(["linear", "log"], { optional: true }),
  },
  search: ["place"],
  filter: ["unit", "checked"],
  sort: ["value", "at"],
});

export type Measurement = EntryOf<typeof measurements>;

/** The migrations that make the books, and the records of every resource. */
const next = { version: 4, name: "field_measurements", compatibleFrom: 3 };

/** The schema of a service that has books and measurements. */
const migrations: Migrations = {
  sqlite: [...MIGRATIONS.sqlite.slice(0, 3), { ...next, sql: sqliteMigration(measurements) }],
  postgres: [...MIGRATIONS.postgres.slice(0, 3), { ...next, sql: postgresMigration(measurements) }],
};

export const TWO_RESOURCES = { resources: [books, measurements], migrations, clock: Date.now };

/** Measurements as an export has them, in order of their ids, which are not all there. */
export function someMeasurements(count: number): Measurement[] {
  return Array.from({ length: count }, (_, index) => {
    const isFull = index % 2 === 1;
    const at = new Date(Date.UTC(2024, 1, 29) + index * 86_400_001).toISOString();
    return {
      id: index * 3 + 2,
      place: `Ørsted ${index} "quoted" 𝕏`,
      note: isFull ? "ends in \\" : null,
      count: isFull ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER,
      order: isFull ? index % 10 : null,
      value: isFull ? 5e-324 : -1.7976931348623157e308,
      error: isFull ? 0.1 + 0.2 : null,
      valid: isFull,
      checked: isFull ? false : null,
      at: isFull ? "0001-01-01T00:00:00.000Z" : "9999-12-31T23:59:59.999Z",
      until: isFull ? at : null,
      unit: isFull ? "m" : "kg",
      scale: isFull ? "log" : null,
      created_at: at,
      updated_at: at,
    };
  });
}
