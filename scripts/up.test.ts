import { expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { inTemporaryDirectory } from "../test/service.ts";

const SCRIPT = join(import.meta.dir, "up.ts");

/** How it is with a real engine, test/container/compose.test.ts shows. */
const ENGINE_WITHOUT_PORT = `#!/bin/sh
case "$1 $2" in "compose port") exit 1 ;; esac
`;

test("where Docker does not say the service's port, that is one line", async () => {
  await inTemporaryDirectory(async (directory) => {
    const docker = join(directory, "docker");
    writeFileSync(docker, ENGINE_WITHOUT_PORT);
    chmodSync(docker, 0o755);
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, SCRIPT], {
      cwd: directory,
      env: { PATH: [directory, process.env.PATH].join(delimiter) },
    });
    expect(stderr.toString()).toBe("thimble: docker compose failed: it said nothing\n");
    expect(exitCode).toBe(1);
  });
});
