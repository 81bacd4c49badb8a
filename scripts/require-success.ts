// The one check that a branch has to require: passes where all jobs did whose results NEEDS has (GitHub's
// `toJSON(needs)`). A job that was skipped counts as failed, unless it is named:
//
//   bun scripts/require-success.ts [JOB THAT MAY BE SKIPPED]...
import { required } from "./shell/github.ts";
import { runMain } from "./shell/main.ts";

type Needs = Record<string, { result: string }>;

/** What keeps the check from passing. */
export function unsuccessful(needs: Needs, maySkip: readonly string[]): string[] {
  const unknown = maySkip.filter((job) => !(job in needs));
  const failed = Object.entries(needs).filter(
    ([job, { result }]) => result !== "success" && !(result === "skipped" && maySkip.includes(job)),
  );
  return [
    ...unknown.map((job) => `there is no job ${job}`),
    ...failed.map(([job, { result }]) => `${job}: ${result}`),
  ];
}

function main(): void {
  const needs: Needs = JSON.parse(required("NEEDS"));
  if (Object.keys(needs).length === 0) throw new Error("NEEDS names no job");
  const problems = unsuccessful(needs, process.argv.slice(2));
  if (problems.length > 0) throw new Error(problems.join("; "));
  console.log(`${Object.keys(needs).length} jobs passed`);
}

if (import.meta.main) await runMain(main);
