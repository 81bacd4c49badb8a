import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type ContractResult = {
  runtime: string;
  store: string;
  cases: number;
  passed: number;
  skipped: number;
};

const SUITES = ["test/http.test.ts", "test/binary.test.ts", "test/runtimes"];

/** Runs the HTTP contract on every runtime and store. @throws {Error} if a case fails. */
export async function runContracts(): Promise<ContractResult[]> {
  const directory = mkdtempSync(join(tmpdir(), "thimble-contract-"));
  try {
    const report = join(directory, "report.xml");
    const reporter = ["--reporter=junit", `--reporter-outfile=${report}`];
    const command = [process.execPath, "test", ...SUITES, "-t", "HTTP contract", ...reporter];
    const { exited } = Bun.spawn(command, { stdout: "ignore", stderr: "inherit" });
    if ((await exited) !== 0)
      throw new Error("a case of the HTTP contract failed; see the output above");
    return contractResults(await Bun.file(report).text());
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const SUITE = /<testsuite name="([^"]+), ([^",]+): HTTP contract"([^>]*)>/g;

/** The results in Bun's JUnit report: the suites named "RUNTIME, STORE: HTTP contract". */
export function contractResults(report: string): ContractResult[] {
  return [...report.matchAll(SUITE)].map(([, runtime = "", store = "", attributes = ""]) => {
    const count = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(attributes)?.[1]);
    const [cases, failures, skipped] = [count("tests"), count("failures"), count("skipped")];
    return { runtime, store, cases, passed: cases - failures - skipped, skipped };
  });
}
