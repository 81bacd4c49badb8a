import { z } from "zod";

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
