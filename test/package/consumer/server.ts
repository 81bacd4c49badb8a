import { Hono } from "hono";
import { openPostgresDatabase } from "thimble/postgres";
import { openSqliteDatabase } from "thimble/sqlite";
import { createLibrary } from "./library.ts";
import { migrations } from "./loans.ts";
import { createService } from "./service.ts";

/** Opens the database with its schema up to date, and composes the app on it. */
export async function createServer({ url, apiKey }: { url: string; apiKey: string }) {
  const database = url.startsWith("postgres://")
    ? openPostgresDatabase(url, { migrations: migrations.postgres })
    : openSqliteDatabase(url, { migrations: migrations.sqlite });
  await database.migrate();
  return new Hono()
    .route("/", createLibrary({ database, apiKey }))
    .route("/service", createService({ apiKey }));
}
