// Checks the workflows as far as that is possible without GitHub (docs/pipeline.md):
//
//   bun run check:workflows
import { runMain } from "./shell/main.ts";
import { inconsistentPins, readWorkflows, WORKFLOWS, workflowProblems } from "./workflow-rules.ts";

async function main(): Promise<void> {
  const sources = await readWorkflows();
  if (sources.length === 0) throw new Error(`there is no workflow in ${WORKFLOWS}`);
  const problems = [...sources.flatMap(workflowProblems), ...inconsistentPins(sources)];
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) throw new Error(`${problems.length} problems in the workflows`);
  console.log(`${sources.length} workflows checked`);
}

if (import.meta.main) await runMain(main);
