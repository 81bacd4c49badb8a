import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  createLogger,
  describeError,
  LOG_LEVELS,
  type LogFormat,
  type LogLevel,
} from "./logger.ts";

const NOW = "2026-01-02T03:04:05.006Z";

function linesOf(level: LogLevel, format: LogFormat) {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  return { lines, logger: createLogger({ level, format, clock: () => Date.parse(NOW), write }) };
}

describe("levels", () => {
  const written: Record<LogLevel, string[]> = {
    DEBUG: ["DEBUG", "INFO", "WARNING", "ERROR"],
    INFO: ["INFO", "WARNING", "ERROR"],
    WARNING: ["WARNING", "ERROR"],
    ERROR: ["ERROR"],
  };
  for (const level of LOG_LEVELS) {
    test(`${level} writes ${written[level].join(", ")}`, () => {
      const { lines, logger } = linesOf(level, "json");
      logger.debug("d");
      logger.info("i");
      logger.warning("w");
      logger.error("e");
      expect(lines.map((line) => JSON.parse(line).level)).toEqual(written[level]);
    });
  }
});

describe("formats", () => {
  test("json is one object", () => {
    const { lines, logger } = linesOf("INFO", "json");
    logger.warning("a message", { status: 200, path: "/a b" });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        timestamp: NOW,
        level: "WARNING",
        logger: "thimble",
        message: "a message",
        status: 200,
        path: "/a b",
      },
    ]);
  });

  test("text is a line for people, without fields that have no value", () => {
    const { lines, logger } = linesOf("INFO", "text");
    logger.info("a message", { status: 200, path: "/a b", cause: undefined });
    expect(lines).toEqual([`${NOW} INFO    a message status=200 path="/a b"`]);
  });

  test("short is a line for a terminal, of a request only what it was and how it ended", () => {
    const { lines, logger } = linesOf("INFO", "short");
    const fields = {
      method: "GET",
      path: "/a\u001b[31mb",
      status: 404,
      duration_ms: 1.234,
      bytes: 5,
    };
    logger.info("request", fields);
    logger.warning("a message", { status: 200, cause: undefined });
    expect(lines).toEqual([
      "\x1b[2m03:04:05\x1b[0m GET /a\\u001b[31mb \x1b[33m404\x1b[0m \x1b[2m1.2 ms\x1b[0m",
      "\x1b[2m03:04:05\x1b[0m \x1b[33mWARNING\x1b[0m a message \x1b[2mstatus=\x1b[0m200",
    ]);
  });

  test.each([
    [200, 32],
    [304, 32],
    [499, 33],
    [500, 31],
  ])("short shows status %d in the colour %d", (status, code) => {
    const { lines, logger } = linesOf("INFO", "short");
    logger.info("request", { method: "GET", path: "/", status, duration_ms: 1 });
    expect(lines[0]).toContain(`\x1b[${code}m${status}\x1b[0m`);
  });

  test("text without fields is the message alone", () => {
    const { lines, logger } = linesOf("INFO", "text");
    logger.error("a message");
    expect(lines).toEqual([`${NOW} ERROR   a message`]);
  });
});

describe("nothing that is logged begins a line of its own or commands a terminal:", () => {
  // C0, DEL, C1, the separators that Unicode calls line breaks, and what turns the direction of a text.
  const special = fc.constantFrom(
    ..."\n\r\t\0\u001b\u007f\u0085\u009b\u2028\u2029\u000b\u000c".split(""),
    ..."\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069".split(""),
  );
  const hostile = fc
    .array(fc.oneof(special, fc.string({ unit: "binary" })))
    .map((parts) => parts.join(""));

  for (const format of ["json", "text"] as const) {
    test(format, () => {
      fc.assert(
        fc.property(hostile, hostile, hostile, (message, value, nested) => {
          const { lines, logger } = linesOf("INFO", format);
          logger.info(message, { value, deep: [{ nested }] });
          expect(lines).toHaveLength(1);
          expect(lines[0]).not.toMatch(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u);
        }),
      );
    });
  }

  test("json gives every value back as it was", () => {
    fc.assert(
      fc.property(hostile, hostile, (message, value) => {
        const { lines, logger } = linesOf("INFO", "json");
        logger.info(message, { value });
        expect(JSON.parse(lines[0] ?? "")).toMatchObject({ message, value });
      }),
    );
  });

  test("text gives every value back as it was", () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const { lines, logger } = linesOf("INFO", "text");
        logger.info("message", { value });
        const [, written = ""] = lines[0]?.split(" message value=") ?? [];
        expect(JSON.parse(written)).toBe(value);
      }),
    );
  });
});

describe("an error in the log", () => {
  const error = new TypeError("it broke", { cause: new RangeError("too far") });

  test("is its name, its message and its cause", () => {
    expect(describeError(error)).toEqual({
      error: "TypeError: it broke",
      cause: "RangeError: too far",
    });
  });

  test("has its stack on request", () => {
    const { stack } = describeError(error, { stack: true });
    expect(stack).toContain("logger.test.ts");
  });

  test("holds no credentials of a URL, wherever they stand", () => {
    const url = "postgres://admin:p4ss:w0rd@db.example:5432/books";
    const fields = describeError(new Error(`no ${url}`, { cause: `at ${url}, too` }), {
      stack: true,
    });
    expect(fields).toMatchObject({
      error: "Error: no postgres://***@db.example:5432/books",
      cause: "at postgres://***@db.example:5432/books, too",
      stack: expect.stringContaining("no postgres://***@db.example:5432/books\n"),
    });
    expect(JSON.stringify(fields)).not.toMatch(/admin|p4ss|w0rd/);
    const plain = describeError("see https://example.com/a@b?c=d@e");
    expect(plain.error).toBe("see https://example.com/a@b?c=d@e");
  });

  test("that is not an Error is its text", () => {
    expect(describeError("gone")).toEqual({ error: "gone" });
    expect(describeError(new Error("a", { cause: 5 }))).toEqual({ error: "Error: a", cause: "5" });
  });
});
