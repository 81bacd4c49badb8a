// Runs a function like Lambda's Node runtime, with Node:
//
//   node lambda-host.ts DIRECTORY HANDLER
//
// It loads the module that HANDLER names from DIRECTORY. Then it reads one event per line from standard
// input and writes one result per line to file descriptor 3; standard output is the function's log.
// Between two events nothing runs, as if the process were frozen: waiting for the next one blocks it.
import { readSync, writeSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import type { Answer, Invocation } from "./lambda.ts";

type Handler = (event: unknown, context: object) => Promise<unknown>;

const RESULTS = 3;
const CHUNK_BYTES = 65_536;
const PAUSE_MS = 1;
/** The largest answer that Lambda accepts from a function. */
const MAX_ANSWER_BYTES = 6_291_556;

/** How long this process was frozen, according to the tests. */
let frozenMs = 0;
const { now } = Date;
Date.now = () => now() + frozenMs;

let unread = Buffer.alloc(0);

const [directory = "", name = ""] = process.argv.slice(2);
const handler = await load(directory, name);
write({ result: "loaded" });
for (let line = readLine(); line !== undefined; line = readLine()) {
  const { event, afterMs } = JSON.parse(line) as Invocation;
  frozenMs += afterMs;
  write(await invoke(event));
}
// Even if it holds something open: Lambda ends an instance without a signal.
process.exit(0);

async function load(directory: string, name: string): Promise<Handler> {
  const [file, exported = ""] = name.split(".");
  const loaded = await import(pathToFileURL(join(directory, `${file}.mjs`)).href);
  if (typeof loaded[exported] !== "function")
    throw new Error(`${name} is undefined or not exported`);
  return loaded[exported];
}

async function invoke(event: unknown): Promise<Answer> {
  try {
    const result = JSON.stringify(await handler(event, { awsRequestId: crypto.randomUUID() }));
    if (Buffer.byteLength(result) > MAX_ANSWER_BYTES)
      throw new Error("Response payload size exceeded");
    return { result: JSON.parse(result) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** The next line of standard input, or `undefined` at its end. */
function readLine(): string | undefined {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (;;) {
    const end = unread.indexOf("\n");
    if (end >= 0) {
      const line = unread.toString("utf8", 0, end);
      unread = unread.subarray(end + 1);
      return line;
    }
    const length = insist(() => readSync(0, chunk));
    if (length === 0) return undefined;
    unread = Buffer.concat([unread, chunk.subarray(0, length)]);
  }
}

function write(answer: Answer): void {
  const bytes = Buffer.from(`${JSON.stringify(answer)}\n`);
  let offset = 0;
  while (offset < bytes.length) offset += insist(() => writeSync(RESULTS, bytes, offset));
}

/** Reads or writes a pipe. If it is empty or full, waits without a turn of the event loop. */
function insist(transfer: () => number): number {
  for (;;) {
    try {
      return transfer();
    } catch (error) {
      if ((error as { code?: string }).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}
