import bunfig from "../bunfig.toml";
import { markdownTable } from "./shell/markdown-table.ts";

/** Where `bun test --coverage` writes. */
export const LCOV = "coverage/lcov.info";
const SHOWN = 10;

type Count = { hit: number; found: number };
export type FileCoverage = { file: string; lines: Count; functions: Count };

/** Reads a tracefile (https://manpages.debian.org/geninfo.1). @throws {Error} where it covers no file. */
export function readLcov(text: string): FileCoverage[] {
  const records = text.split(/^end_of_record$/m).filter((record) => /^SF:/m.test(record));
  if (records.length === 0) throw new Error("no coverage was measured");
  return records.map((record) => {
    const value = (key: string) => new RegExp(`^${key}:(.*)$`, "m").exec(record)?.[1] ?? "0";
    const count = (hit: string, found: string) => ({
      hit: Number(value(hit)),
      found: Number(value(found)),
    });
    return { file: value("SF"), lines: count("LH", "LF"), functions: count("FNH", "FNF") };
  });
}

/** For a terminal: the share of all lines, or the files in which too little is covered. */
export function coverageReport(files: readonly FileCoverage[]): string {
  const least = bunfig.test.coverageThreshold;
  const low = files.filter(
    ({ lines, functions }) => share(lines) < least.lines || share(functions) < least.functions,
  );
  if (low.length === 0) return `coverage: ${percent(total(files, "lines"))} of lines`;
  return [
    `coverage is too low: a file needs ${least.lines * 100} % of lines and ${least.functions * 100} % of functions`,
    ...low.map(
      ({ file, lines, functions }) =>
        `  ${file}: ${percent(lines)} of lines, ${percent(functions)} of functions`,
    ),
  ].join("\n");
}

/** Markdown: all files together, and those whose lines are covered least. */
export function coverageTable(files: readonly FileCoverage[]): string {
  const least = files.toSorted((a, b) => share(a.lines) - share(b.lines)).slice(0, SHOWN);
  const rows = least.map(({ file, lines, functions }) => [
    file,
    percent(lines),
    percent(functions),
  ]);
  const all = [
    `**all ${files.length} files**`,
    percent(total(files, "lines")),
    percent(total(files, "functions")),
  ];
  const table = markdownTable(["file", "lines", "functions"], [all, ...rows], "lrr");
  return `### Coverage\n\n${table}`;
}

function total(files: readonly FileCoverage[], of: "lines" | "functions"): Count {
  return {
    hit: files.reduce((sum, file) => sum + file[of].hit, 0),
    found: files.reduce((sum, file) => sum + file[of].found, 0),
  };
}

function share({ hit, found }: Count): number {
  return found === 0 ? 1 : hit / found;
}

function percent(count: Count): string {
  return `${(share(count) * 100).toFixed(1)} %`;
}
