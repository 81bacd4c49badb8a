import { createHash } from "node:crypto";
import type { Resource } from "../../resources/resource.ts";
import { CommandError, EXIT } from "../../server/failure.ts";
import type { Progress } from "../progress.ts";
import type { ImportInput } from "./input.ts";
import { parseImportLine } from "./line.ts";
import { readLines } from "./lines.ts";

/** The number of problems that are listed one by one. */
const PROBLEMS_SHOWN = 10;

/** What is known of an input once each of its lines is valid. */
export type ImportScan = {
  /** Of the whole input, in hexadecimal. */
  sha256: string;
  /** The highest id that a line has; 0 where none has one. */
  lastId: number;
  /** The ids that more than one line has. */
  repeatedIds: ReadonlySet<number>;
};

/**
 * Reads every line and validates it.
 *
 * @throws {CommandError} with the first lines that are wrong.
 */
export function scanLines(resource: Resource, input: ImportInput, progress: Progress): ImportScan {
  const hash = createHash("sha256");
  const problems = createProblems(input.name);
  const ids: number[] = [];
  let lines = 0;
  for (const line of readLines(input.fd, (chunk) => hash.update(chunk))) {
    const parsed = line.problem === undefined ? parseImportLine(resource, line.text) : line;
    if (parsed.problem !== undefined) problems.add(line.number, parsed.problem);
    else if ("entry" in parsed && parsed.entry) ids.push(parsed.entry.id);
    lines += 1;
    if (lines % 1000 === 0) progress.update(lines, line.end / input.bytes);
  }
  problems.expectNone();
  const sorted = Float64Array.from(ids).sort();
  const repeatedIds = new Set(sorted.filter((id, index) => id === sorted[index - 1]));
  return { sha256: hash.digest("hex"), lastId: sorted.at(-1) ?? 0, repeatedIds };
}

/** Collects problems with lines, and lists the first of them. */
export function createProblems(name: string, written = "nothing of it was written") {
  const shown: string[] = [];
  let count = 0;
  return {
    add(line: number, problem: string): void {
      count += 1;
      if (count <= PROBLEMS_SHOWN) shown.push(`line ${line}: ${problem}`);
    },

    /** @throws {CommandError} where there is one. */
    expectNone(): void {
      if (count === 0) return;
      const more = count > PROBLEMS_SHOWN ? [`and ${count - PROBLEMS_SHOWN} more`] : [];
      throw new CommandError(EXIT.data, `${name} cannot be imported, and ${written}`, [
        ...shown,
        ...more,
      ]);
    },
  };
}
