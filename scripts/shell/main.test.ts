import { expect, test } from "bun:test";
import { join } from "node:path";

const MODULE = JSON.stringify(join(import.meta.dir, "main.ts"));

/** How a script with this main function ends. */
function end(main: string) {
  const script = `import { runMain, UsageError } from ${MODULE}; await runMain(${main});`;
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, "--eval", script]);
  return { exitCode, stderr: stderr.toString() };
}

for (const [what, main, exitCode, stderr] of [
  ["comes to its end", "() => {}", 0, ""],
  ["returns a status, as of a child", "async () => 3", 3, ""],
  ["fails", "async () => { throw new Error('no engine'); }", 1, "thimble: no engine\n"],
  [
    "has wrong arguments",
    "() => { throw new UsageError('expected A'); }",
    64,
    "thimble: expected A\n",
  ],
  ["throws what is no error", "() => { throw 'no engine'; }", 1, "thimble: no engine\n"],
] as const) {
  test(`a script that ${what} exits with ${exitCode}`, () => {
    expect(end(main)).toEqual({ exitCode, stderr });
  });
}

test("what a build failed of is shown before the one line", () => {
  const { exitCode, stderr } = end(
    "() => { throw new AggregateError([new Error('no such file')], 'Bundle failed'); }",
  );
  expect(stderr).toMatch(/error: no such file[\s\S]*\nthimble: Bundle failed\n$/);
  expect(exitCode).toBe(1);
});
