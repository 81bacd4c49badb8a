import { expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { slimExecutable } from "../scripts/build/slim/slim.ts";
import { clearToolFiles } from "../scripts/build/slim/tool-files.ts";

// It is a tenth of the whole suite.
setDefaultTimeout(300_000);

test("the runtime that ships keeps the store contract", async () => {
  const directory = mkdtempSync(join(tmpdir(), "thimble-slim-"));
  try {
    // The executable has no tests in it, and runs nothing else. So a Bun is made smaller in the same way.
    const bun = join(directory, "bun");
    copyFileSync(process.execPath, bun);
    await clearToolFiles(bun);
    await slimExecutable(bun, new Set());

    const contract = ["./test/stores.test.ts", "--test-name-pattern=: store contract of"];
    const child = Bun.spawn([bun, "test", ...contract], { stdio: ["ignore", "pipe", "pipe"] });
    const [output, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
    const summary = output.slice(-2000);
    expect(code, summary).toBe(0);
    expect(Number(/(\d+) pass\b/.exec(summary)?.[1]), summary).toBeGreaterThan(300);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
