import { Buffer } from "node:buffer";
import { readSync } from "node:fs";

const CHUNK_BYTES = 256 * 1024;
/** Many times what the longest book takes, even with every character escaped. */
export const LINE_MAX_BYTES = 64 * 1024;

const NEWLINE = 0x0a;

/** A line without its end, or what is wrong with it. `end` is the offset of the byte after it. */
export type Line = { number: number; end: number } & (
  | { text: string; problem?: never }
  | { problem: string; text?: never }
);

/**
 * The lines of an open file that are not blank, from its first byte. They end in LF or CRLF, the last
 * one also with the file; byte order marks before them are skipped. No more than a line and a chunk
 * of the file are in memory.
 *
 * @param onChunk is given every chunk as it is read.
 */
export function* readLines(fd: number, onChunk = (_chunk: Uint8Array) => {}): Generator<Line> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  let tooLong = false;
  let number = 1;
  let position = 0;
  let end = 0;

  /** `piece` ends the line that `rest` begins. */
  function finish(piece: Buffer): Line {
    const bytes = rest.length > 0 ? Buffer.concat([rest, piece]) : piece;
    const line =
      tooLong || bytes.length > LINE_MAX_BYTES ? longLine(number, end) : toLine(bytes, number, end);
    rest = Buffer.alloc(0);
    tooLong = false;
    number += 1;
    return line;
  }

  for (;;) {
    const read = readSync(fd, chunk, 0, CHUNK_BYTES, position);
    if (read === 0) break;
    onChunk(chunk.subarray(0, read));
    let start = 0;
    for (
      let at = chunk.indexOf(NEWLINE);
      at !== -1 && at < read;
      at = chunk.indexOf(NEWLINE, start)
    ) {
      end = position + at + 1;
      const line = finish(chunk.subarray(start, at));
      if (line.text !== "") yield line;
      start = at + 1;
    }
    const left = chunk.subarray(start, read);
    tooLong ||= rest.length + left.length > LINE_MAX_BYTES;
    rest = tooLong ? Buffer.alloc(0) : Buffer.concat([rest, left]);
    position += read;
  }
  end = position;
  const last = finish(Buffer.alloc(0));
  if (last.text !== "") yield last;
}

function longLine(number: number, end: number): Line {
  return { number, end, problem: `is longer than ${LINE_MAX_BYTES} bytes` };
}

function toLine(bytes: Buffer, number: number, end: number): Line {
  try {
    // Takes a byte order mark away too, in the midst of files that were joined as well.
    return { number, end, text: DECODER.decode(bytes).trim() };
  } catch {
    return { number, end, problem: "is not UTF-8" };
  }
}

const DECODER = new TextDecoder("utf-8", { fatal: true });
