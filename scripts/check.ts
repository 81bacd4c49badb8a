// Everything that must pass before a change lands:
//
//   check.ts            format and lint, types, types of each ring, workflows, plain English, OpenAPI, tests
//   check.ts --static   all of it but the tests
//   check.ts --all      all of it, and the tests of the launcher and of the images
import { runMain } from "./shell/main.ts";

const script = (name: string) => [process.execPath, "run", name];

const STATIC_CHECKS = [
  ["node_modules/.bin/biome", "ci"],
  ["node_modules/.bin/tsc", "--project", "tsconfig.json"],
  ["node_modules/.bin/tsc", "--project", "tsconfig.portable.json"],
  ["node_modules/.bin/tsc", "--project", "tsconfig.process.json"],
  script("check:workflows"),
  script("check:english"),
  script("check:openapi"),
];
/** They need a C compiler, and a Docker engine. */
const TESTS_WITH_TOOLS = [script("test:launcher"), script("test:container")];

function main(): void {
  const checks = [
    ...STATIC_CHECKS,
    ...(process.argv.includes("--static") ? [] : [script("test")]),
    ...(process.argv.includes("--all") ? TESTS_WITH_TOOLS : []),
  ];
  const failed = checks.filter((command) => {
    console.log(`\n> ${command.join(" ")}`);
    return Bun.spawnSync(command, { stdio: ["ignore", "inherit", "inherit"] }).exitCode !== 0;
  });
  if (failed.length === 0) return;
  throw new Error(`failed: ${failed.map((command) => command.join(" ")).join(", ")}`);
}

await runMain(main);
