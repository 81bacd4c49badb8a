// Runs tests, and prints a line a file at their end, then what failed. What tests print is shown only where one fails, but for
// the standard output:
//
//   bun run test [ARGUMENT OF bun test]...   all tests, with coverage; with arguments those that they name, without
//   bun run test:quick                       unit tests and the HTTP contract in this process, within a minute
//   bun run test:postgres                    those that need a PostgreSQL server
//   bun run test:runtime node|deno|workerd|lambda
//
// TEST_OPTIONS may name further options of `bun test`, separated by spaces.
import { rmSync } from "node:fs";
import { coverageReport, coverageTable, LCOV, readLcov } from "./coverage.ts";
import { installSchemas } from "./manifests/schemas.ts";
import { addSummary } from "./shell/github.ts";
import { runMain, UsageError } from "./shell/main.ts";
import { createReport, type Report } from "./test-report.ts";

/** What of the suite belongs to a runtime: arguments of `bun test`. */
export const RUNTIMES: Record<string, readonly string[]> = {
  node: ["./test/runtimes/node.test.ts", "./test/runtimes/oldest-node.test.ts"],
  deno: ["./test/runtimes/deno.test.ts"],
  workerd: ["./test/runtimes/workers.test.ts", "./test/runtimes/wrangler.test.ts"],
  lambda: ["./test/runtimes/lambda.test.ts"],
};

/** Every part that can be run by itself. */
export const PARTS: Record<string, readonly string[]> = {
  ...RUNTIMES,
  postgres: [
    "./test/http.test.ts",
    "./test/stores.test.ts",
    "./src/database/",
    "./src/server/database/open-database.test.ts",
  ],
};

/** Most tests wait for other processes, so three files at a time keep two cores busy. */
const PARALLEL = ["--parallel=3", "--no-isolate"];

const UNIT_TESTS = "{src,scripts,bench}/**/*.test.ts";
/** Commands and programs; the last two bring a PostgreSQL server. */
const STARTS_A_PROCESS = /\bspawn|child_process|\/test\/(postgres|things)\.ts"/;

/** The unit tests that start no process, and the HTTP contract in this process on memory and SQLite. */
export async function quickTests(): Promise<string[]> {
  const files = await Array.fromAsync(new Bun.Glob(UNIT_TESTS).scan(), async (file) => {
    // The benchmark installs packages, some of which bring tests of their own.
    if (file.includes("node_modules/")) return [];
    return STARTS_A_PROCESS.test(await Bun.file(file).text()) ? [] : [`./${file}`];
  });
  return [
    ...files.flat().toSorted(),
    "./test/http.test.ts",
    "--test-name-pattern=^(?!app.request, PostgreSQL)",
  ];
}

async function testsOf(args: readonly string[]): Promise<readonly string[]> {
  const [option, name = "nothing", ...rest] = args;
  if (option !== "--part") return args;
  const tests = name === "quick" ? await quickTests() : PARTS[name];
  if (tests) return [...tests, ...rest];
  const names = [...Object.keys(PARTS), "quick"];
  throw new UsageError(`expected one of ${names.join(", ")}, not ${name}`);
}

async function runTests(args: readonly string[], report: Report): Promise<number> {
  const child = Bun.spawn([process.execPath, "test", ...args], {
    stdio: ["ignore", "inherit", "pipe"],
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => child.kill(signal));
  }
  await readLines(child.stderr, report.addLine);
  return await child.exited;
}

async function readLines(
  stream: ReadableStream<Uint8Array>,
  use: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) use(line);
  }
  if (rest !== "") use(rest);
}

async function main(): Promise<number> {
  const tests = await testsOf(process.argv.slice(2));
  const options = process.env.TEST_OPTIONS?.split(" ") ?? [];
  const complete = tests.length + options.length === 0;
  const now = performance.now.bind(performance);
  const report = createReport({ print: console.error, now });
  if (!complete) return report.end(await runTests([...tests, ...options], report));

  // A process that looks for them before they are there does not find them later.
  installSchemas();
  rmSync(LCOV, { force: true });
  const exitCode = await runTests([...PARALLEL, "--coverage", "--coverage-reporter=lcov"], report);
  const lcov = Bun.file(LCOV);
  if (!(await lcov.exists())) return report.end(exitCode);
  const files = readLcov(await lcov.text());
  if (process.env.GITHUB_STEP_SUMMARY) addSummary(coverageTable(files));
  return report.end(exitCode, coverageReport(files));
}

if (import.meta.main) await runMain(main);
