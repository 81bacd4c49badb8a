import { expect, test } from "bun:test";

for (const script of [
  "build/image.ts",
  "image/test-container.ts",
  "image/test-swarm.ts",
  "swarm/main.ts",
  "up.ts",
]) {
  test(`${script} says in one line that no engine answers`, () => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, `scripts/${script}`], {
      env: { ...process.env, DOCKER_HOST: "unix:///no/such/engine.sock" },
    });
    expect(exitCode).toBe(1);
    expect(stdout.toString()).toBe("");
    expect(stderr.toString()).toMatch(/^thimble: no Docker engine answers \(.+\); .+\n$/);
  });
}
