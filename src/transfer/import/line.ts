import { z } from "zod";
import { instantSchema, type Value, type Values } from "../../resources/field.ts";
import type { Entry, Resource } from "../../resources/resource.ts";
import { inputSchema } from "../../resources/schemas.ts";

/** Far below the last id that is a whole number in JavaScript, so that there are ids for other entries. */
const IMPORTED_ID_MAX = 2 ** 52;

const PROBLEM_MAX_LENGTH = 300;

/** What a line of an import holds: a whole entry, or a new one; or what is wrong with the line. */
export type ImportLine =
  | { entry: Entry; input?: never; problem?: never }
  | { input: Values; entry?: never; problem?: never }
  | { problem: string; entry?: never; input?: never };

/** What makes an entry a whole one, besides its fields. */
const storedSchema = z.object({
  id: z.int().positive().max(IMPORTED_ID_MAX),
  created_at: instantSchema(),
  updated_at: instantSchema(),
});
const STORED_FIELDS = Object.keys(storedSchema.shape);

/** Parses a line by what the API asks of an entry. One with an id or a time is taken for a whole entry. */
export function parseImportLine(resource: Resource, text: string): ImportLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: "is not JSON" };
  }
  return isWholeEntry(value) ? parseEntry(resource, value) : parseInput(resource, value);
}

type JsonObject = Readonly<Record<string, unknown>>;

function isWholeEntry(value: unknown): value is JsonObject {
  if (typeof value !== "object" || value === null) return false;
  return STORED_FIELDS.some((name) => Object.hasOwn(value, name));
}

function parseInput(resource: Resource, value: unknown): ImportLine {
  const { data, error } = inputSchema(resource).safeParse(value);
  return data ? { input: data } : { problem: describe([error]) };
}

function parseEntry(resource: Resource, value: JsonObject): ImportLine {
  const { id, created_at, updated_at, ...fields } = value;
  const stored = storedSchema.safeParse({ id, created_at, updated_at });
  const input = inputSchema(resource).safeParse(fields);
  if (!stored.success || !input.success) return { problem: describe([stored.error, input.error]) };
  const { id: known, ...times } = stored.data;
  return { entry: { id: known, ...(input.data as Record<string, Value>), ...times } };
}

/** As a line of text for a terminal, whatever names the input made up. */
function describe(errors: (z.ZodError | undefined)[]): string {
  const issues = errors
    .flatMap((error) => error?.issues ?? [])
    .map(({ path, message }) => [...path, message].join(": "));
  const text = issues.join("; ").replace(/\p{Cc}/gu, "\ufffd");
  return text.length > PROBLEM_MAX_LENGTH ? `${text.slice(0, PROBLEM_MAX_LENGTH)}…` : text;
}
