import { z } from "zod";
import { writtenTime } from "../http/describe.ts";
import type { Field, Value, Values } from "./field.ts";
import { type Entry, inWords, type Resource } from "./resource.ts";

/** `The publication year` of `publication_year`. */
const labelOf = (field: string) => `The ${inWords(field)}`;

function fieldSchemas({ fields }: Resource, wrap: (schema: z.ZodType, field: Field) => z.ZodType) {
  const entries = Object.entries(fields).map(([name, field]) => {
    const schema = field.schema(labelOf(name));
    return [name, wrap(field.optional ? schema.nullable() : schema, field)] as const;
  });
  return Object.fromEntries(entries);
}

function requireField({ fields }: Resource, name: string): Field {
  const field = fields[name];
  if (!field) throw new TypeError(`There is no field ${name}`);
  return field;
}

/** What the value of a stored entry can be. */
export function storedSchema(resource: Resource, name: string): z.ZodType<Value> {
  const field = requireField(resource, name);
  return field.stored?.() ?? field.schema(labelOf(name));
}

/** The schema of a filter's query parameter. */
export function filterSchema(resource: Resource, name: string): z.ZodType<Value, string> {
  return requireField(resource, name).parameter(labelOf(name));
}

/** Makes a schema of a resource once, when it is first used: a service starts sooner without it. */
function oncePerResource<T>(make: (resource: Resource) => z.ZodType<T>) {
  const made = new WeakMap<Resource, z.ZodType<T>>();
  return (resource: Resource) => {
    const schema = made.get(resource) ?? make(resource);
    made.set(resource, schema);
    return schema;
  };
}

export const idSchema = () =>
  z.int().positive().meta({ format: "int64", maximum: Number.MAX_SAFE_INTEGER });

/** A new entry. */
export const inputSchema = oncePerResource<Values>((resource) => {
  const shape = fieldSchemas(resource, (schema, { optional }) =>
    optional ? schema.default(null) : schema,
  );
  return z.strictObject(shape) as z.ZodType<Values>;
});

/** One changed field or more. */
export const changesSchema = oncePerResource<Values>((resource) => {
  const names = Object.keys(resource.fields).join(", ");
  return (
    z
      .strictObject(fieldSchemas(resource, (schema) => z.exactOptional(schema)))
      .refine((changes) => Object.keys(changes).length > 0, {
        error: `Expected at least one of ${names}`,
      })
      // The document's generator takes an exactOptional field for a required one.
      .meta({ required: [], minProperties: 1 }) as z.ZodType<Values>
  );
});

/** An entry as it is answered. */
export const entrySchema = oncePerResource<Entry>((resource) => {
  return z.object({
    id: idSchema(),
    ...fieldSchemas(resource, (schema) => schema),
    created_at: writtenTime(),
    updated_at: writtenTime(),
  }) as unknown as z.ZodType<Entry>;
});

/** The fields of a new entry, as the OpenAPI document shows them. */
export function exampleInput({ fields }: Resource): Record<string, Value> {
  return Object.fromEntries(Object.entries(fields).map(([name, { example }]) => [name, example]));
}

/** An entry, as the OpenAPI document shows it. */
export function exampleEntry(resource: Resource): Entry {
  const time = "2026-11-29T12:00:00.000Z";
  return { id: 1, ...exampleInput(resource), created_at: time, updated_at: time };
}
