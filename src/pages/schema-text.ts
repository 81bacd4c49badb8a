import type { ReferenceObject, SchemaObject } from "openapi3-ts/oas31";

/** The name under which a document has what is referred to. */
export function nameOf({ $ref }: ReferenceObject): string {
  return $ref.slice($ref.lastIndexOf("/") + 1);
}

/** A schema in a few words: `integer from 1 to 200`, `text of 1 to 255 characters or null`. */
export function typeOf(schema: SchemaObject | ReferenceObject | undefined): string {
  if (!schema) return "";
  if ("$ref" in schema) return nameOf(schema as ReferenceObject);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.items) return `list of ${typeOf(schema.items)}`;
  const types = [schema.type ?? []].flat();
  if (types.length === 0) return "any value";
  return types.map((type) => describeType(type, schema)).join(" or ");
}

function describeType(type: string, schema: SchemaObject): string {
  if (type === "string") return describeText(schema);
  if (type === "integer" || type === "number") return `${type}${range(schema)}`;
  return type;
}

function describeText({ format, minLength, maxLength }: SchemaObject): string {
  if (format) return format;
  if (maxLength === undefined) return "text";
  const least = minLength === undefined ? "up to" : `${minLength} to`;
  return `text of ${least} ${maxLength} characters`;
}

/** Numbers that any program holds are no range to tell. */
const isTold = (bound: number | undefined): bound is number =>
  bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;

function range({ minimum, maximum }: SchemaObject): string {
  const from = isTold(minimum) ? ` from ${minimum}` : "";
  const to = isTold(maximum) ? ` to ${maximum}` : "";
  return from + to;
}
