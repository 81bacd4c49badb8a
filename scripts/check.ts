// Everything that must pass before a change lands, one step after the other, until one fails:
//
//   check.ts            format and lint, types, rules of workflows, words, OpenAPI and manifests, tests
//   check.ts --static   all of it but the tests
//   check.ts --all      all of it, and the tests of the launcher, of the images, on Docker Swarm and in a cluster
import { runMain } from "./shell/main.ts";

type Step = { does: string; command: readonly string[] };

const script = (name: string) => [process.execPath, "run", "--silent", name];
const types = (project: string) => ["node_modules/.bin/tsc", "--project", project];

const STATIC: readonly Step[] = [
  { does: "format and lint", command: ["node_modules/.bin/biome", "ci"] },
  { does: "types", command: types("tsconfig.json") },
  { does: "types of what runs everywhere", command: types("tsconfig.portable.json") },
  { does: "types of what runs in a process", command: types("tsconfig.process.json") },
  { does: "workflows", command: script("check:workflows") },
  { does: "plain English", command: script("check:english") },
  { does: "OpenAPI document", command: script("check:openapi") },
  { does: "manifests", command: script("check:manifests") },
];
const TESTS: Step = { does: "tests", command: script("test") };
/** They need a C compiler, and a Docker engine. */
const WITH_TOOLS: readonly Step[] = [
  { does: "tests of the launcher", command: script("test:launcher") },
  { does: "tests of the images", command: script("test:container") },
  { does: "tests on Docker Swarm", command: script("test:swarm") },
  { does: "tests of the chart in a cluster", command: script("test:cluster") },
];

/** @returns whether it passed. What failed is the last thing that is printed, so that nobody has to search for it. */
function run({ does, command }: Step): boolean {
  console.log(`\n${does}: ${command.join(" ")}`);
  const startedAt = performance.now();
  const { exitCode } = Bun.spawnSync([...command], { stdio: ["ignore", "inherit", "inherit"] });
  if (exitCode !== 0) return false;
  console.log(`${does}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return true;
}

function main(): number {
  const steps = [
    ...STATIC,
    ...(process.argv.includes("--static") ? [] : [TESTS]),
    ...(process.argv.includes("--all") ? WITH_TOOLS : []),
  ];
  return steps.every(run) ? 0 : 1;
}

await runMain(main);
