// Everything that has to hold before a change lands:
//
//   check.ts            format and lint, types, types without any runtime, workflows, tests
//   check.ts --static   all of it but the tests
//   check.ts --all      all of it, and the tests of the launcher and of the images
const STATIC_CHECKS = [
  ["node_modules/.bin/biome", "ci"],
  ["node_modules/.bin/tsc", "--project", "tsconfig.json"],
  ["node_modules/.bin/tsc", "--project", "tsconfig.portable.json"],
  [process.execPath, "scripts/check-workflows.ts"],
];
const TESTS = [process.execPath, "test", "--coverage"];
/** They need a C compiler, and a Docker engine. */
const TESTS_WITH_TOOLS = [
  [process.execPath, "--config=test/container/bunfig.toml", "test", "./launcher/"],
  [process.execPath, "scripts/test-container.ts"],
];

const checks = [
  ...STATIC_CHECKS,
  ...(process.argv.includes("--static") ? [] : [TESTS]),
  ...(process.argv.includes("--all") ? TESTS_WITH_TOOLS : []),
];
const failed = checks.filter((command) => {
  console.log(`\n> ${command.join(" ")}`);
  return Bun.spawnSync(command, { stdio: ["ignore", "inherit", "inherit"] }).exitCode !== 0;
});
for (const command of failed) console.error(`failed: ${command.join(" ")}`);
process.exit(failed.length === 0 ? 0 : 1);
