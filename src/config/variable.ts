import { z } from "zod";

/** A variable of the environment: how it is validated, and what the README and a problem say of it. */
export type Variable = {
  /** Made when the variable is set, for a service starts sooner without schemas that nothing needs. */
  schema: () => z.ZodType<unknown, string>;
  default?: unknown;
  /** What it takes, as a problem with it and the README say it. */
  takes: string;
  description: string;
  /** The default, where the README shows it in other words than the value's. */
  defaultText?: string;
  /** Whether it may also come from a file named by `NAME_FILE`. */
  secret?: boolean;
  /** Whether problems name its lines, so that blank ones in front of a file's others count. */
  lines?: boolean;
};

type ValueOf<V extends Variable> =
  | z.output<ReturnType<V["schema"]>>
  | (V extends { default: unknown } ? never : undefined);

/** Each of these variables with its value, or its default. */
export type ValuesOf<V extends Record<string, Variable>> = { [N in keyof V]: ValueOf<V[N]> };

/** `true` or `false`, and what else Zod takes for them in any case, such as `1` and `off`. */
export const flag = () => z.stringbool();

/** A whole number in decimal digits, from `minimum` to `maximum`. */
export const integer = (minimum: number, maximum: number) =>
  z.transform((text: string, context) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= minimum && number <= maximum) return number;
    context.addIssue("out of range");
    return z.NEVER;
  });
