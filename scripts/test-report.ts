/** Turns what `bun test` prints to its standard error into a line a file, and what failed. */
export type Report = {
  addLine: (line: string) => void;
  /** @returns the exit code that it was given. */
  end: (exitCode: number, coverage?: string) => number;
};

const FILE = /^(?:::group::)?(\S+\.test\.ts):$/;
const RESULT = /^\((pass|skip|todo|fail)\) /;
const TIME = / \[[\d.]+m?s\]$/;
const UNHANDLED = /^# Unhandled error/;
/** Bun repeats here what failed or was skipped. */
const LIST = /^\d+ tests? (failed|skipped|todo):$/;
const COUNT =
  /^ *\d+ (pass|skip|todo|fail|errors?|filtered out|expect\(\) calls)$|^Ran \d+ tests? /;

/** Outputs of files that run at the same time alternate, so a file ends with the run. */
type File = { name: string; startedAt: number; seenAt: number; failed: number };

export function createReport({
  print,
  now,
}: {
  print: (line: string) => void;
  /** Milliseconds. */
  now: () => number;
}): Report {
  let file: File | undefined;
  const open = new Map<string, File>();
  let inSummary = false;
  /** What was printed since the last result: it belongs to the next one. */
  let output: string[] = [];
  const failures: string[] = [];
  const names: string[] = [];
  const counts: string[] = [];
  /** The errors outside of tests whose file is known. */
  let explained = 0;

  /** What is printed outside of tests belongs to the file before. */
  const leaveFile = () => {
    if (output.some((line) => UNHANDLED.test(line))) {
      explained += 1;
      fail("(fail) an error outside of tests");
    }
    if (file) output = [];
    file = undefined;
  };

  const enterFile = (name: string) => {
    leaveFile();
    file = open.get(name) ?? { name, startedAt: now(), seenAt: now(), failed: 0 };
    open.set(name, file);
  };

  const endFile = ({ name, startedAt, seenAt, failed }: File) => {
    const seconds = ((seenAt - startedAt) / 1000).toFixed(2).padStart(7);
    print(`${seconds} s  ${name}${failed > 0 ? `  ${failed} failed` : ""}`);
    open.delete(name);
  };

  const endFiles = () => {
    leaveFile();
    for (const each of [...open.values()]) endFile(each);
  };

  const fail = (line: string) => {
    if (file) file.failed += 1;
    const where = file?.name ?? "";
    failures.push(`${where}:`, ...output, line, "");
    names.push(`${where}: ${line.replace(RESULT, "").replace(TIME, "")}`);
  };

  return {
    addLine: (line) => {
      const [, name] = FILE.exec(line) ?? [];
      if (file) file.seenAt = now();
      if (name) enterFile(name);
      else if (COUNT.test(line) || LIST.test(line)) {
        endFiles();
        inSummary = true;
        if (COUNT.test(line)) counts.push(line);
      } else if (RESULT.test(line)) {
        if (line.startsWith("(fail)") && !inSummary) fail(line);
        output = [];
      } else if (line !== "::endgroup::") {
        output.push(line);
      }
    },
    end: (exitCode, coverage) => {
      endFiles();
      const errors = Number(/^ *(\d+) errors?$/m.exec(counts.join("\n"))?.[1] ?? 0);
      // Of several files that run at the same time, Bun sometimes leaves out one that it cannot load.
      if (errors > explained) names.push("an error outside of tests: run the files one by one");
      // It ended early, or could not begin: then Bun says why in words of its own.
      const unexplained = exitCode !== 0 && names.length === 0 && coverage === undefined;
      const parts = [
        failures,
        unexplained ? output : [],
        counts,
        coverage ? [coverage] : [],
        names.length > 0 ? [`failed (${names.length}):`, ...names] : [],
      ];
      for (const part of parts.filter(({ length }) => length > 0))
        print(`\n${part.join("\n").trimEnd()}`);
      return exitCode;
    },
  };
}
