import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import wrangler from "../../wrangler.jsonc";
import { BUNDLED_RUNTIMES } from "./runtimes.ts";

// It looks after the packages first, then bundles.
setDefaultTimeout(60_000);

const ROOT = join(import.meta.dir, "../..");
const BIN = join(ROOT, "node_modules/.bin");

/** Runs a command of the shell as a script of package.json that `bun run` runs. */
async function run(command: string) {
  const child = Bun.spawn(["sh", "-c", command], {
    cwd: ROOT,
    env: {
      ...process.env,
      PATH: [BIN, process.env.PATH].join(delimiter),
      npm_config_user_agent: `bun/${Bun.version}`,
      npm_execpath: process.execPath,
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

test("Wrangler's build makes what Wrangler deploys, and leaves nothing of an earlier build", async () => {
  const earlier = join(ROOT, "dist/workers/earlier.mjs");
  rmSync(join(ROOT, wrangler.main), { force: true });
  await Bun.write(earlier, "");
  const result = await run(wrangler.build.command);
  expect(result).toMatchObject({ code: 0, stdout: "dist/workers/workers.mjs\n" });
  expect(existsSync(join(ROOT, wrangler.main))).toBe(true);
  expect(existsSync(earlier)).toBe(false);
});

test("a runtime that there is no bundle for is refused, before anything is built", async () => {
  expect(await run(`${process.execPath} scripts/build/runtimes.ts workers browser`)).toEqual({
    code: 64,
    stdout: "",
    stderr: `thimble: unknown runtime: browser (there are ${BUNDLED_RUNTIMES.join(", ")})\n`,
  });
});
