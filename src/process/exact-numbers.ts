/** What TypeScript does not know yet of ECMAScript 2026: the text of a number in JSON, and back. */
type SourceText = {
  rawJSON: (text: string) => unknown;
};
type Reviver = (this: unknown, key: string, value: unknown) => unknown;

/** A negative zero, a fraction, an exponent, or more digits than a number holds for sure. */
const MAY_BE_CHANGED = /-0|\d[.eE]|\d{16}/;

/**
 * For `JSON.parse` of a text: keeps numbers as they are written, such as `1e400`, `1.0` and those of 20
 * digits, for `JSON.stringify` to write again. `undefined` where parsing changes no number anyway.
 */
export function exactNumbers(text: string): Reviver | undefined {
  if (!MAY_BE_CHANGED.test(text)) return undefined;
  const { rawJSON } = JSON as unknown as SourceText;
  return (_key: string, value: unknown, context?: { source?: string }) => {
    const source = context?.source;
    if (typeof value !== "number" || source === undefined) return value;
    return JSON.stringify(value) === source ? value : rawJSON(source);
  };
}
