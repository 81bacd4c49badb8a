import { describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { inTemporaryDirectory } from "../test/service.ts";
import { missingSecrets, SECRETS } from "./secrets.ts";

const SCRIPT = join(import.meta.dir, "up.ts");

/**
 * An engine with a volume for books, whose commands end as a test says. How it is with the real one,
 * test/container/compose.test.ts shows.
 */
const DOCKER = `#!/bin/sh
case "$1 $2" in
  "compose config") echo '{"name":"thimble","services":{"db":{"image":"postgres"}}}' ;;
  "compose port") echo "127.0.0.1:5000"; exit "$PORT_STATUS" ;;
  "volume ls") echo thimble_books ;;
  "run --rm") exit "$LOOK_STATUS" ;;
esac
`;

/** Runs it before any secret exists, with an engine whose commands end with these. */
async function up(statuses: { LOOK_STATUS: string; PORT_STATUS?: string }) {
  return await inTemporaryDirectory(async (directory) => {
    const docker = join(directory, "docker");
    writeFileSync(docker, DOCKER);
    chmodSync(docker, 0o755);
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, SCRIPT], {
      cwd: directory,
      env: {
        PATH: [directory, process.env.PATH].join(delimiter),
        PORT_STATUS: "0",
        ...statuses,
      },
    });
    const missing = missingSecrets(join(directory, "secrets"));
    return { exitCode, stderr: stderr.toString(), missing };
  });
}

const NOTHING_MADE = [...SECRETS];

describe("a missing password of the database", () => {
  test("is made where the volume has no database", async () => {
    expect(await up({ LOOK_STATUS: "1" })).toEqual({ exitCode: 0, stderr: "", missing: [] });
  });

  test("is not made where the volume has one", async () => {
    const { exitCode, stderr, missing } = await up({ LOOK_STATUS: "0" });
    expect(stderr).toStartWith("thimble: secrets/postgres_password.txt is missing, and there is");
    expect({ exitCode, missing }).toEqual({ exitCode: 1, missing: NOTHING_MADE });
  });

  // 125 is the engine's own failure, as for an image that it cannot pull; 127 an image without `test`.
  for (const LOOK_STATUS of ["2", "125", "127"]) {
    test(`is not made where the look into the volume ends with ${LOOK_STATUS}`, async () => {
      expect(await up({ LOOK_STATUS })).toEqual({
        exitCode: 1,
        stderr:
          "thimble: secrets/postgres_password.txt is missing, and whether the volume thimble_books has a " +
          `database that was made with it cannot be seen: docker run ended with ${LOOK_STATUS}\n`,
        missing: NOTHING_MADE,
      });
    });
  }
});

test("where Docker does not say the service's port, that is one line", async () => {
  expect(await up({ LOOK_STATUS: "1", PORT_STATUS: "1" })).toMatchObject({
    exitCode: 1,
    stderr: "thimble: docker compose failed: it said nothing\n",
  });
});
