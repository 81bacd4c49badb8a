import { z } from "zod";

/** A variable of the environment: its validation, and its texts for the documentation and for problems. */
export type Variable = {
  /** Made only when the variable is set, so that the service starts sooner. */
  schema: () => z.ZodType<unknown, string>;
  default?: unknown;
  /** The values that it accepts, as the documentation and a problem describe them. */
  takes: string;
  description: string;
  /** What exactly is wrong with a value that is refused, if there is more to say than `takes`. */
  explain?: (text: string) => string | undefined;
  /** The documentation's text for the default, if it is not the value itself. */
  defaultText?: string;
  /** Whether it may also come from a file named by `NAME_FILE`. */
  secret?: boolean;
  /** Whether it is a URL, in which a password or a token may stand. */
  holdsUrl?: boolean;
  /** Whether problems name its lines, so that a file's leading blank lines must be kept. */
  lines?: boolean;
  /** Whether it is a port: then a Service of Kubernetes may have set it to something else. */
  port?: boolean;
};

type ValueOf<V extends Variable> =
  | z.output<ReturnType<V["schema"]>>
  | (V extends { default: unknown } ? never : undefined);

/** Each of these variables with its value, or its default. */
export type ValuesOf<V extends Record<string, Variable>> = { [N in keyof V]: ValueOf<V[N]> };

/** `true` or `false`, and Zod's other words for them in any case, such as `1` and `off`. */
export const flag = { schema: () => z.stringbool(), takes: "`true` or `false`" };

/** A whole number in decimal digits, from `min` to `max`. */
export function integer({ min, max, unit }: { min: number; max: number; unit?: string }) {
  const schema = () =>
    z.transform((text: string, context) => {
      const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      if (number >= min && number <= max) return number;
      context.addIssue("out of range");
      return z.NEVER;
    });
  const whole = unit ? `a whole number of ${unit}` : "a whole number";
  return { schema, takes: `${whole} from ${min} to ${max}` };
}

/** A number, or `off`, which is 0. */
export function orOff({ schema, takes }: ReturnType<typeof integer>) {
  const off = () => z.literal("off").transform(() => 0);
  return { schema: () => z.union([off(), schema()]), takes: `\`off\`, or ${takes}` };
}

/** A TCP port to listen on. */
export function port() {
  const [min, max] = [0, 65_535];
  const { schema } = integer({ min, max });
  return {
    schema,
    port: true,
    takes: `a port number from ${min} to ${max}; 0 lets the system choose`,
  };
}

/** One of these words. */
export function choice<const T extends readonly [string, ...string[]]>(words: T) {
  return { schema: () => z.enum(words), takes: oneOf(words) };
}

/** These words in Markdown: `a`, `b` or `c`. */
export function oneOf(words: readonly string[]): string {
  const quoted = words.map((word) => `\`${word}\``);
  return quoted.length < 2
    ? quoted.join()
    : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}
