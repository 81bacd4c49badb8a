/** SGR codes of terminals (ECMA-48, section 8.3.117). */
const color = (code: number) => (text: string) => `\x1b[${code}m${text}\x1b[0m`;
const dim = color(2);
const red = color(31);
const green = color(32);
const yellow = color(33);
const cyan = color(36);

const LEVEL_COLORS = { DEBUG: dim, INFO: cyan, WARNING: yellow, ERROR: red };

type Line = { time: string; level: keyof typeof LEVEL_COLORS; message: string };
type Fields = Readonly<Record<string, unknown>>;

/** Where the time of day stands in an RFC 3339 timestamp. */
const TIME_OF_DAY = [11, 19] as const;

/**
 * A line for a terminal, in colours: the time of day, and of a request only what it was and how it ended.
 *
 * @param quote makes a value a text of one line that no client can colour.
 */
export function shortLine(
  { time, level, message }: Line,
  fields: Fields,
  quote: (value: unknown) => string,
): string {
  const at = dim(time.slice(...TIME_OF_DAY));
  if (message === "request") return `${at} ${requestText(fields, quote)}`;
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${dim(`${name}=`)}${quote(value)}`);
  return `${at} ${LEVEL_COLORS[level](level)} ${message}${pairs.join("")}`;
}

function requestText(fields: Fields, quote: (value: unknown) => string): string {
  const { method, path, status, duration_ms: duration } = fields;
  const paint = statusColor(Number(status));
  const shown = quote(path).slice(1, -1);
  return `${method} ${shown} ${paint(String(status))} ${dim(`${Number(duration).toFixed(1)} ms`)}`;
}

function statusColor(status: number): (text: string) => string {
  if (status >= 500) return red;
  return status >= 400 ? yellow : green;
}
