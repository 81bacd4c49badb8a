import {
  choice,
  defineResource,
  instant,
  postgresMigration,
  postgresMigrations,
  sqliteMigration,
  sqliteMigrations,
  text,
} from "thimble";

/** Who has borrowed which book: a resource of our own. */
export const loans = defineResource("loans", {
  one: "loan",
  fields: {
    title: text({ max: 255, example: "Emma" }),
    borrower: text({ max: 100, example: "Anne Elliot" }),
    due: instant({ example: "2027-01-31T18:00:00.000Z" }),
    state: choice(["lent", "returned"], { optional: true }),
  },
  search: ["title", "borrower"],
  filter: ["state"],
  sort: ["due"],
});

/** The first three migrations of Thimble, then our own, in the order in which they are applied. */
export const migrations = {
  sqlite: [
    ...sqliteMigrations.slice(0, 3),
    { version: 4, name: "loans", compatibleFrom: 3, sql: sqliteMigration(loans) },
  ],
  postgres: [
    ...postgresMigrations.slice(0, 3),
    { version: 4, name: "loans", compatibleFrom: 3, sql: postgresMigration(loans) },
  ],
};
