import type { Context, MiddlewareHandler } from "hono";
import { DomainError, shortName } from "../../errors.ts";
import type { AppEnv } from "../env.ts";
import { type MediaType, parseMediaType } from "../media-type.ts";
import { createMemoryBudget } from "./memory-budget.ts";

type Reviver = Parameters<typeof JSON.parse>[1];

/** A body of a length up to this is read in one piece, where the server makes sure of the length. */
const SHORT_BYTES = 64 * 1024;

/** Deeper than real data, and shallow enough for a container's memory. */
const MAX_DEPTH = 1000;

/** More than real data has, and few enough to be parsed within 30 ms. */
const MAX_VALUES = 50_000;

/** What a byte of a body may become on its way to a text, and a value when it is parsed. */
const BYTES_FOR_BYTE = 4;
const BYTES_FOR_VALUE = 64;

/** `json`, and what is written in it (RFC 6839 section 3.1). */
const JSON_SUBTYPE = /^(.+\+)?json$/;

/** JSON is UTF-8 (RFC 8259 section 8.1), of which ASCII is a part. */
const CHARSETS: ReadonlySet<string> = new Set(["utf-8", "utf8", "us-ascii"]);

/**
 * Lets only requests pass whose body is declared as JSON and has at most `maxBytes` bytes, counted as
 * they arrive, whatever its Content-Length is. The validator after it reads the text from memory.
 *
 * @param budget of the memory that bodies may hold, from before they are read until their requests are done.
 * @throws {DomainError} `overloaded` if there is no room for the body, `body_too_large`, `incomplete_body` if the client disconnects, `no_data` without a body, or `unsupported_media_type` or `unsupported_content_encoding` for a body that is declared as something else.
 */
export function jsonBody(
  maxBytes: number,
  budget = createMemoryBudget(),
): MiddlewareHandler<AppEnv> {
  return async function jsonBody(c, next) {
    const declared = Number(c.req.header("Content-Length"));
    // Before the first byte is read: a client that waits for `100 Continue` then sends no body.
    if (declared > maxBytes) throw tooLarge(`${maxBytes} bytes`);
    const most = declared >= 0 ? declared : maxBytes;
    const giveBack = budget.take(memoryFor(most), c.env?.unsent?.());
    try {
      await receive(c);
      await next();
    } finally {
      giveBack();
    }
  };

  async function receive(c: Context<AppEnv>): Promise<void> {
    const refusal = refusedType(c) ?? refusedEncoding(c);
    const text = await receiveText(c, maxBytes).catch((error: unknown) => {
      // What is declared as something else is seldom UTF-8, and that is not its mistake.
      throw isMalformed(error) ? (refusal ?? error) : error;
    });
    if (text.trim() === "") {
      throw new DomainError("no_data", "Send a JSON object as the request body.");
    }
    if (refusal) throw refusal;
    requireSimple(text);
    keepText(c, text);
  }
}

/** The most memory that a body takes until it is parsed. A value has at least two bytes, as in `[1,2]`. */
function memoryFor(bytes: number): number {
  return BYTES_FOR_BYTE * bytes + BYTES_FOR_VALUE * Math.min(bytes / 2, MAX_VALUES);
}

/**
 * The value of a body that {@link jsonBody} has read.
 *
 * @param reviverOf makes what `JSON.parse` hands each value to, from the whole text.
 * @throws {DomainError} `malformed_json`
 */
export async function parsedJson(
  c: Context<AppEnv>,
  reviverOf?: (text: string) => Reviver | undefined,
): Promise<unknown> {
  const text = await c.req.text();
  try {
    return JSON.parse(text, reviverOf?.(text));
  } catch (cause) {
    throw new DomainError("malformed_json", "The request body is not valid JSON.", { cause });
  }
}

/** In the cache that Hono has of what it has read. It holds promises, unlike its types. */
function keepText(c: Context<AppEnv>, text: string): void {
  const cache: { text?: unknown } = c.req.bodyCache;
  cache.text = Promise.resolve(text);
}

function tooLarge(most: string): DomainError {
  return new DomainError("body_too_large", `A request body may have at most ${most}.`);
}

/** Reads the body until it ends, is too large, or is abandoned. */
function receiveText(c: Context<AppEnv>, maxBytes: number): Promise<string> {
  const length = c.req.header("Content-Length");
  const isShort = length !== undefined && Number(length) <= SHORT_BYTES;
  return isShort && c.env?.endsBodies ? receiveWhole(c) : receiveChunks(c, maxBytes);
}

/** In one piece, which takes a third of the time. */
async function receiveWhole(c: Context<AppEnv>): Promise<string> {
  const bytes = await untilAbandoned(c, c.req.raw.arrayBuffer());
  return decode(strictDecoder(), bytes);
}

/** Settles like the read of a body, unless the request is given up first. */
function untilAbandoned<T>(c: Context<AppEnv>, read: Promise<T>): Promise<T> {
  const request = c.get("request");
  return new Promise((resolve, reject) => {
    const end = () => {
      if (request) request.abandonBody = undefined;
    };
    if (request) {
      request.abandonBody = (reason) => {
        // The rest of the body would come before the next request.
        request.isLast = true;
        reject(reason);
      };
    }
    read.then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => {
        end();
        reject(incomplete(error));
      },
    );
  });
}

async function receiveChunks(c: Context<AppEnv>, maxBytes: number): Promise<string> {
  const reader = readerOf(c.req.raw);
  if (!reader) return "";
  try {
    return await untilAbandoned(c, readText(reader, maxBytes));
  } finally {
    if (c.get("request")?.isLast) void reader.cancel().catch(() => {});
    // What is left of a refused body is for the server to read.
    reader.releaseLock();
  }
}

/** If the client has already gone, Node throws because there is no body. */
function readerOf(request: Request): ReadableStreamDefaultReader<Uint8Array> | undefined {
  try {
    return request.body?.getReader();
  } catch (cause) {
    throw incomplete(cause);
  }
}

async function readText(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
): Promise<string> {
  const decoder = strictDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decode(decoder);
    bytes += value.byteLength;
    if (bytes > maxBytes) throw tooLarge(`${maxBytes} bytes`);
    text += decode(decoder, value, { stream: true });
  }
}

/** Strict: otherwise bytes that are not UTF-8 would be stored as text that nobody sent. */
const strictDecoder = () => new TextDecoder("utf-8", { fatal: true });

function decode(
  decoder: TextDecoder,
  bytes?: ArrayBuffer | Uint8Array,
  options?: TextDecodeOptions,
): string {
  try {
    return decoder.decode(bytes, options);
  } catch (cause) {
    throw new DomainError("malformed_json", "The request body is not valid UTF-8.", { cause });
  }
}

/** What went wrong with the read of a body: an error of its own, or else that it broke off. */
function incomplete(cause: unknown): Error {
  if (cause instanceof DomainError) return cause;
  const detail = "The request body did not arrive completely.";
  return new DomainError("incomplete_body", detail, { cause });
}

function isMalformed(error: unknown): boolean {
  return error instanceof DomainError && error.code === "malformed_json";
}

/** Why the declared media type is not JSON in UTF-8; `undefined` if it is. */
function refusedType(c: Context): DomainError | undefined {
  const sent = c.req.header("Content-Type");
  if (sent === "application/json") return undefined;
  const mediaType = sent === undefined ? undefined : parseMediaType(sent);
  const problem = mediaType ? typeProblem(mediaType) : malformedType(sent);
  if (problem === undefined) return undefined;
  const detail = `Send the body as application/json in UTF-8; its Content-Type is ${shortName(problem)}.`;
  return new DomainError("unsupported_media_type", detail);
}

function malformedType(sent: string | undefined): string {
  return sent === undefined || sent === "" ? "missing" : `malformed: ${sent}`;
}

function typeProblem({ type, subtype, parameters }: MediaType): string | undefined {
  if (type !== "application" || !JSON_SUBTYPE.test(subtype)) return `${type}/${subtype}`;
  const charset = parameters.get("charset") ?? "utf-8";
  return CHARSETS.has(charset.toLowerCase()) ? undefined : `in the charset ${charset}`;
}

/** Why a body is refused that is compressed; `undefined` if it is not. */
function refusedEncoding(c: Context): DomainError | undefined {
  const encoding = c.req.header("Content-Encoding")?.trim() ?? "";
  if (encoding === "" || encoding.toLowerCase() === "identity") return undefined;
  const detail = `Send the body uncompressed; its Content-Encoding is ${shortName(encoding)}.`;
  return new DomainError("unsupported_content_encoding", detail);
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const [OPENING_BRACKET, CLOSING_BRACKET] = [0x5b, 0x5d];
const [OPENING_BRACE, CLOSING_BRACE] = [0x7b, 0x7d];

/** @throws {DomainError} for a JSON text that is nested too deep, or has too many values. */
function requireSimple(text: string): void {
  // A short text is neither, and most are short.
  if (text.length <= MAX_DEPTH) return;
  const { depth, values } = shapeOf(text);
  if (depth > MAX_DEPTH) {
    throw new DomainError("malformed_json", `Nest arrays and objects at most ${MAX_DEPTH} deep.`);
  }
  if (values > MAX_VALUES) throw tooLarge(`${MAX_VALUES} values`);
}

/**
 * How deep the arrays and objects of a JSON text are nested, and how many values it has, or a few more. A parser
 * needs memory for each open level and for each value: half a million of them fit in 1 MiB of text and need 60 MiB.
 *
 * It passes over the text once, in less time than parsing takes.
 *
 * @internal exported for its test.
 */
export function shapeOf(text: string): { depth: number; values: number } {
  let [depth, deepest, values] = [0, 0, 1];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) index = endOfString(text, index);
    else if (code === COMMA) values += 1;
    else if (code === OPENING_BRACKET || code === OPENING_BRACE) {
      if (!isClosing(text.charCodeAt(index + 1))) values += 1;
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (isClosing(code)) depth -= 1;
  }
  return { depth: deepest, values };
}

function isClosing(code: number): boolean {
  return code === CLOSING_BRACKET || code === CLOSING_BRACE;
}

/** The index of the quote at the end of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(index - 1 - backslashes) === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}
