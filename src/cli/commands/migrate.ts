import { type DatabaseCommandConfig, parseDatabaseConfig } from "../../config/config.ts";
import {
  isNewer,
  NEWER_SCHEMA,
  requireCompatible,
  type SchemaState,
} from "../../database/migrations/migration.ts";
import { openDatabase } from "../../server/database/open-database.ts";
import { readSchema } from "../../server/database/schema.ts";
import { EXIT } from "../../server/failure.ts";
import type { Runtime } from "../../server/runtime.ts";
import { readSecretFile } from "../../server/secrets/secret-file.ts";
import { parseArguments } from "../arguments.ts";

/** `thimble migrate`: brings the schema up to date, or says whether that is needed. */
export async function runMigrate(
  args: readonly string[],
  { env, stdout }: Runtime,
): Promise<number> {
  const { check = false } = parseArguments(args, { check: { type: "boolean" } }, 0).values;
  const config = parseDatabaseConfig(env, readSecretFile);
  if (check) return checkSchema(await readSchema(config.database), stdout);
  stdout(await migrate(config));
  return EXIT.ok;
}

async function migrate(config: DatabaseCommandConfig): Promise<string> {
  const { database } = await openDatabase(config);
  try {
    const applied = `Migrations applied: ${await database.migrate()}`;
    const schema = await database.schema?.();
    return schema && isNewer(schema) ? `${applied}; ${NEWER_SCHEMA}` : applied;
  } finally {
    await database.close();
  }
}

/** @throws {NewerSchemaError} if this release cannot use the schema. */
function checkSchema(schema: SchemaState | undefined, stdout: (line: string) => void): number {
  if (!schema) {
    stdout("Nothing to do: entries in memory have no schema");
    return EXIT.ok;
  }
  const { version, known, compatibleFrom } = schema;
  const pending = Math.max(known - version, 0);
  stdout(
    `Schema version: found ${version}, known ${known}, compatible from ${compatibleFrom}; ${whatToDo(schema, pending)}`,
  );
  requireCompatible(schema, known);
  return pending > 0 ? EXIT.failure : EXIT.ok;
}

function whatToDo(schema: SchemaState, pending: number): string {
  if (schema.compatibleFrom > schema.known) return "this release cannot use it";
  if (pending > 0) return `migrations to apply: ${pending}`;
  return isNewer(schema) ? `nothing to do: ${NEWER_SCHEMA}` : "nothing to do";
}
