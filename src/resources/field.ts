import { z } from "zod";
import { rfc3339 } from "../time.ts";
import { isInvisible } from "./visible-text.ts";

/** A value of a field in JSON; `null` where an optional field has none. */
export type Value = string | number | boolean | null;

/** Whether two values are the same. Text from before it was composed (see {@link text}) may be older. */
export function isSameValue(left: Value | undefined, right: Value | undefined): boolean {
  if (left === right) return true;
  if (typeof left !== "string" || typeof right !== "string") return false;
  return left.normalize("NFC") === right.normalize("NFC");
}

/** The values of fields by name, or of some of them. */
export type Values = Readonly<Record<string, Value | undefined>>;

/** How a database keeps the values of a field. */
type Column<T, Stored> = {
  /** As SQL names it, with what it needs to sort as the other stores do. */
  type: string;
  write(value: T): Stored;
  read(stored: unknown): T;
};

/** A field of a resource. A further kind is one function that returns this. */
export type Field<
  T extends string | number | boolean = string | number | boolean,
  Optional extends boolean = boolean,
> = {
  optional: Optional;
  /** A value that the OpenAPI document shows. */
  example: T;
  /** Validates the value in JSON; `label` names the field in messages, such as `The title`. */
  schema: (label: string) => z.ZodType<T, T>;
  /** Validates and parses the value as a query parameter. */
  parameter: (label: string) => z.ZodType<T, string>;
  /** Validates a value that is stored already, where older rules let more in than `schema` does. */
  stored?: () => z.ZodType<T, T>;
  sqlite: Column<T, string | number>;
  postgres: Column<T, string | number | boolean>;
};

type Options<T> = { optional?: boolean; example?: T };

type IsOptional<O> = O extends { optional: true } ? true : false;

const isOptional = <O extends { optional?: boolean }>({ optional = false }: O) =>
  optional as IsOptional<O>;

/** A schema with the example that the OpenAPI document shows. */
function withExample<S extends z.ZodType>(schema: S, example: unknown): S {
  return schema.meta({ ...schema.meta(), examples: [example] }) as S;
}

const same = <T>(value: T) => value;

/** "C" sorts by code point, as the other stores do. */
const POSTGRES_TEXT = 'text COLLATE "C"';

/**
 * What a line of text does not have. Marks, embeddings and isolates of direction stay, for text from right
 * to left needs them; so do joiners, which emoji and Persian need. An override makes a text look like
 * another one, and no script needs it.
 */
const NOT_IN_TEXT: readonly [characters: RegExp, what: string][] = [
  [/\p{Cc}/u, "control characters"],
  [/[\u2028\u2029]/, "line or paragraph separators (U+2028, U+2029)"],
  [/[\u202d\u202e]/, "overrides of direction (U+202D, U+202E)"],
  [/\p{Noncharacter_Code_Point}/u, "noncharacters, such as U+FFFE"],
];

/**
 * A line of text as a person would type it, of at most `max` code points. It is kept in Normalization Form C
 * (https://unicode.org/reports/tr15/), so that texts that look the same are equal.
 */
export function text<const O extends { max: number } & Options<string>>(
  options: O,
): Field<string, IsOptional<O>> {
  const { max, example = "A text".slice(0, max) } = options;
  const schema = (label: string) =>
    NOT_IN_TEXT.reduce(
      (line, [characters, what]) =>
        line.refine((text) => !characters.test(text), { error: `${label} has ${what}` }),
      z
        .string()
        .trim()
        .normalize("NFC")
        .refine((line) => line.length > 0, { error: `${label} is empty`, abort: true })
        .refine((line) => !isInvisible(line), {
          error: `${label} has no visible characters`,
          abort: true,
        })
        // As JSON Schema counts, in code points.
        .refine((line) => [...line].length <= max, {
          error: `${label} is longer than ${max} characters`,
        })
        .refine((line) => line.isWellFormed(), { error: `${label} is not valid Unicode` }),
    ).meta({ minLength: 1, maxLength: max });
  return {
    optional: isOptional(options),
    example,
    schema: (label) => withExample(schema(label), example),
    parameter: schema,
    stored: storedText,
    sqlite: { type: "TEXT", write: same, read: String },
    postgres: { type: POSTGRES_TEXT, write: same, read: String },
  };
}

/** Any text that both databases hold: PostgreSQL takes no NUL. */
const storedText = () =>
  z.string().refine((text) => text.isWellFormed() && !text.includes("\u0000"));

type Bounds = { min?: number; max?: number };

/** The range of PostgreSQL's `integer`. */
const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };

/** 0 for -0, which JSON has and databases do not tell from 0. */
const withoutSign = (value: number) => value + 0;

/** A whole number from `min` to `max`, both of at most 2^53 - 1. */
export function integer<const O extends Bounds & Options<number>>(
  options: O = {} as O,
): Field<number, IsOptional<O>> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = options;
  const { example = within(1, { min, max }) } = options;
  const isSmall = min >= INT32.min && max <= INT32.max;
  const described = {
    type: "integer",
    format: isSmall ? "int32" : "int64",
    ...bounds({ min, max }),
  };
  const schema = () => z.int().min(min).max(max).overwrite(withoutSign);
  return {
    optional: isOptional(options),
    example,
    schema: () => withExample(schema().meta(described), example),
    parameter: () =>
      numeral(/^-?\d{1,16}$/, "Expected a whole number")
        .pipe(schema())
        .meta(described),
    sqlite: { type: "INTEGER", write: same, read: Number },
    postgres: { type: isSmall ? "integer" : "bigint", write: same, read: Number },
  };
}

/** A number with 64 bits of floating point, from `min` to `max`. */
export function number<const O extends Bounds & Options<number>>(
  options: O = {} as O,
): Field<number, IsOptional<O>> {
  const { min = -Number.MAX_VALUE, max = Number.MAX_VALUE } = options;
  const { example = within(1.5, { min, max }) } = options;
  const described = { type: "number", format: "double", ...bounds(options) };
  const schema = () => z.number().min(min).max(max).overwrite(withoutSign);
  return {
    optional: isOptional(options),
    example,
    schema: () => withExample(schema().meta(described), example),
    parameter: () =>
      numeral(/^-?\d{1,400}(\.\d{1,400})?(e[+-]?\d{1,3})?$/i, "Expected a number")
        .pipe(schema())
        .meta(described),
    sqlite: { type: "REAL", write: same, read: Number },
    postgres: { type: "double precision", write: same, read: Number },
  };
}

function numeral(pattern: RegExp, error: string) {
  return z.string().regex(pattern, { error }).transform(Number);
}

const within = (value: number, { min, max }: Required<Bounds>) =>
  Math.min(Math.max(value, min), max);

/** Bounds as JSON Schema has them. */
function bounds({ min, max }: Bounds) {
  return { ...(min !== undefined && { minimum: min }), ...(max !== undefined && { maximum: max }) };
}

/** `true` or `false`. */
export function boolean<const O extends Options<boolean>>(
  options: O = {} as O,
): Field<boolean, IsOptional<O>> {
  const { example = true } = options;
  return {
    optional: isOptional(options),
    example,
    schema: () => withExample(z.boolean(), example),
    parameter: () =>
      z
        .enum(["true", "false"])
        .transform((word) => word === "true")
        .meta({ type: "boolean" }),
    sqlite: { type: "INTEGER", write: Number, read: (stored) => stored === 1 },
    postgres: { type: "boolean", write: same, read: (stored) => stored === true },
  };
}

/** The first and the last instant: years of four digits are what RFC 3339 and all databases share. */
export const INSTANT_MIN = "0001-01-01T00:00:00.000Z";
export const INSTANT_MAX = "9999-12-31T23:59:59.999Z";

/** A time with a zone, as RFC 3339 writes it; kept in UTC, in milliseconds. */
export const instantSchema = () =>
  z.iso
    // Without `abort`, the next step would throw at what is no time.
    .datetime({ offset: true, abort: true })
    .overwrite((time) => new Date(time).toISOString())
    // As text, years before 0 and from 10000 on, which begin with a sign, sort before all others.
    .refine((time) => time >= INSTANT_MIN && time <= INSTANT_MAX, {
      error: `is not from ${INSTANT_MIN} to ${INSTANT_MAX}`,
    });

/** Milliseconds since the Unix epoch, as SQLite keeps a time, as RFC 3339 in UTC. */
const fromMilliseconds = (stored: unknown) => rfc3339(Number(stored));

/** A `timestamptz`, as the driver returns it, as RFC 3339 in UTC. */
function fromTimestamp(stored: unknown): string {
  if (!(stored instanceof Date)) throw new TypeError("Expected a timestamp from the database");
  return rfc3339(stored.getTime());
}

/** A point in time (RFC 3339), in UTC with milliseconds. */
export function instant<const O extends Options<string>>(
  options: O = {} as O,
): Field<string, IsOptional<O>> {
  const { example = "2026-11-29T12:00:00.000Z" } = options;
  // Longer than any time with as many digits of a second as clocks have.
  const schema = () => instantSchema().meta({ maxLength: 64 });
  return {
    optional: isOptional(options),
    example,
    schema: () => withExample(schema(), example),
    parameter: schema,
    sqlite: { type: "INTEGER", write: Date.parse, read: fromMilliseconds },
    postgres: { type: "timestamptz(3)", write: same, read: fromTimestamp },
  };
}

/** One of a few words. */
export function choice<const T extends string, const O extends Options<T>>(
  values: readonly [T, ...T[]],
  options: O = {} as O,
): Field<T, IsOptional<O>> {
  const { example = values[0] } = options;
  const schema = () => z.enum(values) as unknown as z.ZodType<T, T>;
  return {
    optional: isOptional(options),
    example,
    schema: () => withExample(schema(), example),
    parameter: schema,
    sqlite: { type: "TEXT", write: same, read: (stored) => String(stored) as T },
    postgres: { type: POSTGRES_TEXT, write: same, read: (stored) => String(stored) as T },
  };
}
