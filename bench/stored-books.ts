import { join } from "node:path";
import { outputOf } from "../scripts/shell/commands.ts";
import { createBooks } from "../test/created-books.ts";
import { freshDatabase } from "../test/postgres.ts";

/** A database with books in it, for every contender that needs one. */
export type StoredBooks = AsyncDisposable & { url: string };

const BOOKS = 1000;

/** Imports the books with the service's own command. */
export async function storeBooks(
  kind: "sqlite" | "postgres",
  { program, directory }: { program: string; directory: string },
): Promise<StoredBooks> {
  const lines = join(directory, "books.ndjson");
  const { next } = createBooks();
  await Bun.write(
    lines,
    Array.from({ length: BOOKS }, () => `${JSON.stringify(next())}\n`).join(""),
  );
  const database =
    kind === "postgres"
      ? await freshDatabase()
      : { url: `sqlite:${join(directory, "thimble.db")}`, drop: async () => {} };
  await outputOf("env", `DATABASE_URL=${database.url}`, program, "import", lines);
  return { url: database.url, [Symbol.asyncDispose]: database.drop };
}
