import { expect, test } from "bun:test";
import { BUILT } from "./images.ts";

// If the images are already built, as in test.yml, a separate job runs the same command.
test.skipIf(BUILT)("two clean builds make the same executable and the same images", async () => {
  const command = [process.execPath, "run", "check:reproducible"];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  const output = await new Response(child.stdout).text();
  for (const name of ["executable", "standard", "tiny"]) {
    expect(output).toMatch(new RegExp(`^${name} sha256:[0-9a-f]{64}$`, "m"));
  }
  expect(await child.exited).toBe(0);
});
