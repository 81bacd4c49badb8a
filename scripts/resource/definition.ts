import { defineResource, type Resource } from "../../src/resources/resource.ts";
import { UsageError } from "../shell/main.ts";
import type { FieldSpec } from "./fields.ts";

/** A resource that is about to be written: what it is, and how its definition reads. */
export type NewResource = {
  resource: Resource;
  /** Its variable, such as `readingNotes` of `reading_notes`. */
  variable: string;
  /** Its file in src, such as `reading-notes.ts`. */
  file: string;
  source: string;
};

/** An index on PostgreSQL holds values of some 2700 bytes, and a character may have four. */
const LONGEST_SORTED_TEXT = 255;
const MOST_FILTERS = 6;

export const variableOf = (name: string) =>
  name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

export const fileOf = (name: string) => `${name.replaceAll("_", "-")}.ts`;

/** `note` of `notes`, `entry` of `entries`, `box` of `boxes`; any other word as it is. */
export function singularOf(name: string): string {
  if (/[^aeiou]ies$/.test(name)) return name.replace(/ies$/, "y");
  if (/(?:ss|x|ch|sh)es$/.test(name)) return name.replace(/es$/, "");
  return /[^s]s$/.test(name) ? name.slice(0, -1) : name;
}

/**
 * The resource that these fields make. Text can be searched; what has few values is a filter; what every
 * entry has can be sorted by.
 *
 * @throws {UsageError} that says what is wrong with a name.
 */
export function newResource(
  name: string,
  { fields: specs, one = singularOf(name) }: { fields: readonly FieldSpec[]; one?: string },
): NewResource {
  const names = specs.map((spec) => spec.name);
  const twice = names.find((each, index) => names.indexOf(each) < index);
  if (twice !== undefined) throw new UsageError(`the field ${twice} is there twice`);
  if (specs.length === 0) {
    throw new UsageError(`${name} has no field; name one or more, such as "title:text(200)"`);
  }
  const parts = {
    search: namesOf(specs, ({ kind }) => kind === "text"),
    filter: namesOf(specs, ({ kind }) => ["choice", "boolean", "integer"].includes(kind)).slice(
      0,
      MOST_FILTERS,
    ),
    sort: namesOf(specs, canSort),
  };
  const fields = Object.fromEntries(specs.map((spec) => [spec.name, spec.field]));
  return {
    resource: define(name, { one, fields, ...parts }),
    variable: variableOf(name),
    file: fileOf(name),
    source: sourceOf(name, { one, specs, parts }),
  };
}

function namesOf(specs: readonly FieldSpec[], has: (spec: FieldSpec) => boolean): string[] {
  return specs.filter(has).map(({ name }) => name);
}

function canSort({ kind, field, source }: FieldSpec): boolean {
  if (field.optional || kind === "boolean" || kind === "choice") return false;
  return kind !== "text" || Number(/"max":(\d+)/.exec(source)?.[1]) <= LONGEST_SORTED_TEXT;
}

function define(name: string, definition: Parameters<typeof defineResource>[1]): Resource {
  try {
    return defineResource(name, definition);
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}

type Parts = Record<"search" | "filter" | "sort", readonly string[]>;

/** As src/books.ts is written; the formatter does the rest. */
function sourceOf(
  name: string,
  { one, specs, parts }: { one: string; specs: readonly FieldSpec[]; parts: Parts },
): string {
  const kinds = [...new Set(specs.map(({ kind }) => kind))].sort();
  const fields = specs.map((spec) => `    ${spec.name}: ${spec.kind}(${unquoted(spec.source)}),`);
  const lists = Object.entries(parts)
    .filter(([, names]) => names.length > 0)
    .map(([part, names]) => `  ${part}: ${JSON.stringify(names)},`);
  return [
    `import { ${kinds.join(", ")} } from "./resources/field.ts";`,
    'import { defineResource } from "./resources/resource.ts";',
    "",
    `export const ${variableOf(name)} = defineResource("${name}", {`,
    `  one: "${one}",`,
    "  fields: {",
    ...fields,
    "  },",
    ...lists,
    "});",
    "",
  ].join("\n");
}

/** Names of options without quotes, as a person writes them. */
const unquoted = (source: string) => source.replaceAll(/"(max|min|optional)":/g, "$1: ");
