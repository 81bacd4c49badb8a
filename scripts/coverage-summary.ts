// Shows the coverage that `bun run test` measured, on the page of the run:
//
//   bun scripts/coverage-summary.ts [LCOV FILE]
import { addSummary } from "./shell/github.ts";
import { runMain } from "./shell/main.ts";
import { markdownTable } from "./shell/markdown-table.ts";

const LCOV = "coverage/lcov.info";
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

/** Markdown: all files together, and those whose lines are covered least. */
export function coverageTable(files: readonly FileCoverage[]): string {
  const total = (of: "lines" | "functions") =>
    percent({
      hit: files.reduce((sum, file) => sum + file[of].hit, 0),
      found: files.reduce((sum, file) => sum + file[of].found, 0),
    });
  const least = files.toSorted((a, b) => share(a.lines) - share(b.lines)).slice(0, SHOWN);
  const rows = least.map(({ file, lines, functions }) => [
    file,
    percent(lines),
    percent(functions),
  ]);
  const all = [`**all ${files.length} files**`, total("lines"), total("functions")];
  const table = markdownTable(["file", "lines", "functions"], [all, ...rows], "lrr");
  return `### Coverage\n\n${table}`;
}

function share({ hit, found }: Count): number {
  return found === 0 ? 1 : hit / found;
}

function percent(count: Count): string {
  return `${(share(count) * 100).toFixed(1)} %`;
}

async function main(): Promise<void> {
  const file = Bun.file(process.argv[2] ?? LCOV);
  if (!(await file.exists())) throw new Error(`there is no ${file.name}; run the tests first`);
  addSummary(coverageTable(readLcov(await file.text())));
}

if (import.meta.main) await runMain(main);
