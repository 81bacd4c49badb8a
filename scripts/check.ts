// Everything that has to hold before a change lands:
//
//   check.ts            format and lint, types, types without any runtime, workflows, tests
//   check.ts --static   all of it but the tests
const STATIC_CHECKS = [
  ["node_modules/.bin/biome", "ci"],
  ["node_modules/.bin/tsc", "--project", "tsconfig.json"],
  ["node_modules/.bin/tsc", "--project", "tsconfig.portable.json"],
  [process.execPath, "scripts/check-workflows.ts"],
];
const TESTS = [process.execPath, "test", "--coverage"];

const checks = process.argv.includes("--static") ? STATIC_CHECKS : [...STATIC_CHECKS, TESTS];
const failed = checks.filter((command) => {
  console.log(`\n> ${command.join(" ")}`);
  return Bun.spawnSync(command, { stdio: ["ignore", "inherit", "inherit"] }).exitCode !== 0;
});
for (const command of failed) console.error(`failed: ${command.join(" ")}`);
process.exit(failed.length === 0 ? 0 : 1);
