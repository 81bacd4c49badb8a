import { SERVICE } from "../identity.ts";
import { type Clock, timestamp } from "../time.ts";
import { shortLine } from "./short-line.ts";

export const LOG_LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"] as const;
/** How severe an event is. */
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ["json", "text", "short"] as const;
/** One JSON object on each line, lines for people, or short ones in colours for a terminal. */
export type LogFormat = (typeof LOG_FORMATS)[number];

/** The values of a line next to its message, by name. */
export type LogFields = Record<string, unknown>;

/** Logs what happens in the service. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

type LoggerOptions = {
  level: LogLevel;
  format: LogFormat;
  clock: Clock;
  /** Receives one finished line, without its line break. */
  write: (line: string) => void;
};

/**
 * A logger that writes one line for each event. Every value is JSON-escaped in both formats, so that nothing
 * a client sends can start a line.
 */
export function createLogger({ level, format, clock, write }: LoggerOptions): Logger {
  const render = RENDER[format];
  const at = (candidate: LogLevel) =>
    LOG_LEVELS.indexOf(candidate) < LOG_LEVELS.indexOf(level)
      ? () => {}
      : (message: string, fields: LogFields = {}) =>
          write(render(timestamp(clock), candidate, message, fields));
  return { debug: at("DEBUG"), info: at("INFO"), warning: at("WARNING"), error: at("ERROR") };
}

type Render = (timestamp: string, level: LogLevel, message: string, fields: LogFields) => string;

const LOGGER = `"logger":${JSON.stringify(SERVICE.name)}`;

/** Texts joined, because a copy of the fields takes as long as to write them. */
const jsonLine: Render = (timestamp, level, message, fields) => {
  const own = `"timestamp":"${timestamp}","level":"${level}",${LOGGER},"message":${JSON.stringify(message)}`;
  const rest = JSON.stringify(fields).slice(1);
  return escaped(rest === "}" ? `{${own}}` : `{${own},${rest}`);
};

const textLine: Render = (timestamp, level, message, fields) => {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${quote(value)}`);
  return `${timestamp} ${level.padEnd(7)} ${quoteIfNeeded(message)}${pairs.join("")}`;
};

const RENDER: Record<LogFormat, Render> = {
  json: jsonLine,
  text: textLine,
  short: (time, level, message, fields) =>
    shortLine({ time, level, message: quoteIfNeeded(message) }, fields, quote),
};

function quoteIfNeeded(message: string): string {
  return /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u.test(message) ? quote(message) : message;
}

/**
 * JSON that also escapes what terminals and readers of logs take for a line break or a command, and what
 * shows text in another order than it has.
 */
function quote(value: unknown): string {
  return escaped(JSON.stringify(value));
}

function escaped(json: string): string {
  return json.replace(
    /[\x7f-\x9f\p{Bidi_Control}\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * The fields of the log for an error and its cause. The stack is left out by default, as only defects need
 * it.
 */
export function describeError(error: unknown, { stack = false } = {}): LogFields {
  if (!(error instanceof Error)) return { error: withoutCredentials(String(error)) };
  const cause = error.cause === undefined ? {} : { cause: describeError(error.cause).error };
  return {
    error: withoutCredentials(`${error.name}: ${error.message}`),
    ...cause,
    ...(stack && { stack: withoutCredentials(error.stack ?? "") }),
  };
}

/** A driver's message may hold its URL, with the password. */
function withoutCredentials(text: string): string {
  return text.replace(/(\w:\/\/)[^\s/?#]*@/g, "$1***@");
}
