import {
  boolean,
  choice,
  type Field,
  instant,
  integer,
  number,
  text,
} from "../../src/resources/field.ts";
import { UsageError } from "../shell/main.ts";

/** A field as somebody names it on a command line, such as `title:text(200)` or `due:instant?`. */
export type FieldSpec = {
  name: string;
  kind: Kind;
  /** The arguments of its kind's function, as source text. */
  source: string;
  /** The field itself. */
  field: Field;
};

/** The functions that make a field; a definition calls one of them. */
export const MAKERS = { text, integer, number, boolean, instant, choice };
type Kind = keyof typeof MAKERS;

/** What stands between the parentheses of a kind; throws what is expected instead. */
const KINDS: Record<Kind, { form: string; parse: (text: string | undefined) => unknown[] }> = {
  text: {
    form: "text(200), with the most characters",
    parse: (text = "255") => {
      if (!/^[1-9]\d{0,4}$/.test(text)) throw new TypeError("a whole number from 1 to 99999");
      return [{ max: Number(text) }];
    },
  },
  integer: { form: "integer or integer(1..5)", parse: rangeOf(/^-?\d{1,15}$/, "integer(1..5)") },
  number: {
    form: "number or number(0..0.5)",
    parse: rangeOf(/^-?\d{1,15}(\.\d{1,15})?$/, "number(0..0.5)"),
  },
  boolean: { form: "boolean", parse: nothing },
  instant: { form: "instant", parse: nothing },
  choice: {
    form: "choice(low|high)",
    parse: (text = "") => {
      const words = text.split("|");
      if (words.some((word) => !/^[\w -]{1,100}$/.test(word)) || words.length < 2) {
        throw new TypeError("two words or more with | between them, such as choice(low|high)");
      }
      if (new Set(words).size < words.length) throw new TypeError("words that differ");
      return [words];
    },
  },
};

function nothing(text: string | undefined): unknown[] {
  if (text !== undefined) throw new TypeError("nothing in parentheses");
  return [];
}

function rangeOf(numeral: RegExp, example: string) {
  return (text: string | undefined): unknown[] => {
    if (text === undefined) return [];
    const [min = "", max = "", ...others] = text.split("..");
    const isRange = [min, max].every((each) => numeral.test(each)) && others.length === 0;
    if (!isRange || Number(min) > Number(max)) throw new TypeError(`a range such as ${example}`);
    return [{ min: Number(min), max: Number(max) }];
  };
}

const isKind = (text: string): text is Kind => Object.hasOwn(KINDS, text);

/**
 * Reads `name:kind(options)?`.
 *
 * @throws {UsageError} that names the field, what was received and what is possible.
 */
export function parseField(text: string): FieldSpec {
  const fail = (problem: string): never => {
    throw new UsageError(`the field "${text}" ${problem}`);
  };
  const parts = /^([^:]*):([^(?]*)(?:\(([^)]*)\))?(\?)?$/.exec(text);
  if (!parts)
    return fail("is not name:kind, name:kind(options) or one of them with ? for optional");
  const [, name = "", kind = "", inner, question] = parts;
  if (!isKind(kind)) {
    const forms = Object.values(KINDS).map(({ form }) => form);
    return fail(`has the kind "${kind}"; there are ${forms.join("; ")}`);
  }
  try {
    const optional = question === "?";
    const args = withOptional(kind, KINDS[kind].parse(inner), optional);
    return { name, kind, source: sourceOf(args), field: fieldOf(kind, args) };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const received = inner === undefined ? "nothing" : `(${inner})`;
    return fail(`has ${received} after ${kind}; expected ${error.message}`);
  }
}

/** The arguments of a kind's function: words for a choice, then what else there is, if anything is. */
function withOptional(kind: Kind, args: unknown[], optional: boolean): unknown[] {
  if (!optional) return args;
  const [first = {}] = args;
  return kind === "choice" ? [first, { optional }] : [{ ...(first as object), optional }];
}

/** As source text; the formatter puts it into its form. */
function sourceOf(args: readonly unknown[]): string {
  return args.map((each) => JSON.stringify(each)).join(", ");
}

function fieldOf(kind: Kind, args: readonly unknown[]): Field {
  const make = MAKERS[kind] as (...args: readonly unknown[]) => Field;
  return make(...args);
}
