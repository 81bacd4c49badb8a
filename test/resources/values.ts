import { z } from "zod";
import type { Field, Value, Values } from "../../src/resources/field.ts";
import type { Resource } from "../../src/resources/resource.ts";

const DATES = ["2001-02-03T04:05:06.789Z", "2030-01-01T00:00:00.000Z"];

/** What the schema of a field says of itself, as OpenAPI has it. */
function describe(field: Field): { enum?: Value[]; minimum?: number; maximum?: number } {
  return z.toJSONSchema(field.schema("It"), { unrepresentable: "any", io: "input" });
}

/** Values of a field that differ from one another, its example first: two, or one where it has no other. */
export function valuesOf(field: Field): readonly NonNullable<Value>[] {
  const { example } = field;
  const { enum: words = [], minimum, maximum } = describe(field);
  const numbers = typeof example === "number" ? [example + 1, example - 1, minimum, maximum] : [];
  const texts = typeof example === "string" ? ["Another", "b", ...DATES] : [];
  const candidates = [example, ...words, ...numbers, ...texts, true, false];
  const schema = field.schema("It");
  const accepted = candidates.flatMap((each) => {
    const { success, data } = schema.safeParse(each);
    return success ? [data] : [];
  });
  return [...new Set(accepted)].slice(0, 2);
}

/** A value that no field of this kind accepts. */
export function wrongValueOf(field: Field): Value | object {
  return typeof field.example === "string" ? 5 : "neither a number nor true nor false";
}

/** The fields of a new entry: its examples, or with `other` what differs from them wherever there are two. */
export function inputOf({ fields }: Resource, { other = false } = {}): Record<string, Value> {
  const values = Object.entries(fields).map(([name, field]) => {
    const [first = null, second = first] = valuesOf(field);
    return [name, other ? second : first] as const;
  });
  return Object.fromEntries(values);
}

/** The fields that have to be there. */
export function requiredOf({ fields }: Resource, input: Values): Values {
  return Object.fromEntries(Object.entries(input).filter(([name]) => !fields[name]?.optional));
}
