import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { TARGETS } from "../../scripts/release/tags.ts";
import { docker } from "../../scripts/shell/commands.ts";
import { API_KEY, type Container, runToEnd, startContainer } from "./container.ts";
import { HTTPS_MEMORY, RUN } from "./images.ts";
import { beginRequest } from "./partial-request.ts";
import { addEntry, expectEntries, PATH, writeUntilRefused } from "./writers.ts";

const KEY = `--env=API_KEY=${API_KEY}`;
const CANNOT_RUN = 126;
const NOT_FOUND = 127;
const containers: Container[] = [];
let volume: string;

beforeAll(async () => {
  volume = await docker("volume", "create", `--label=${RUN}`);
});

afterEach(async () => {
  for (const container of containers.splice(0)) await container.remove();
});

afterAll(async () => {
  await docker("volume", "rm", volume);
});

for (const target of TARGETS) {
  const start = async (options: string[] = [], scheme?: "https") => {
    const container = await startContainer(target, options, scheme);
    containers.push(container);
    return container;
  };

  test(`${target}: adds entries with more words than SQLite keeps in memory`, async () => {
    const container = await start();
    const url = await container.url();
    const service = {
      apiKey: API_KEY,
      fetch: (path: string, init?: RequestInit) => fetch(url + path, init),
    };
    for (let entry = 0; entry < 3000; entry += 1) {
      const words = Array.from({ length: 30 }, (_, word) =>
        Bun.hash(`${entry} ${word}`).toString(36),
      );
      expect(await addEntry(service, words.map((word) => word.slice(0, 6)).join(" "))).toBeNumber();
    }
  });

  describe(`${target}: one process`, () => {
    test("runs as the image's user, as the only process", async () => {
      const { id } = await start();
      const [, ...processes] = (await docker("top", id, "-o", "pid,uid,gid")).split("\n");
      expect(processes.map((line) => line.trim().split(/\s+/).slice(1))).toEqual([
        ["65532", "65532"],
      ]);
    });

    test("is no other program with any variable", async () => {
      const args = ["-e", "console.log(1)"];
      const expected = await runToEnd(target, [], args);
      expect(expected).toMatchObject({ status: 64, stdout: "" });
      expect(expected.stderr).toStartWith("thimble: unknown command: -e");
      for (const variable of [
        "BUN_BE_BUN=1",
        "BUN_OPTIONS=--print=1",
        "BUN_INSPECT=ws://0.0.0.0:9229/",
        "BUN_INSPECT_PRELOAD=/data/none.js",
        "BUN_JSC_dumpOptions=1",
        "BUN_BYTECODE_ORDER_OUT=/data/order",
        "NODE_CHANNEL_FD=1",
      ]) {
        const found = await runToEnd(target, [`--env=${variable}`], args);
        expect({ variable, ...found }).toEqual({ variable, ...expected });
      }
    });

    test("has no shell to enter", async () => {
      const { id } = await start();
      for (const shell of ["sh", "/bin/sh", "bash", "/bin/busybox"]) {
        const { exitCode } = Bun.spawnSync(["docker", "exec", id, shell, "-c", "true"]);
        expect(exitCode).toBeOneOf([CANNOT_RUN, NOT_FOUND]);
      }
    });

    test("becomes healthy, by the image's own check", async () => {
      const container = await start();
      await container.healthIs("healthy");
    });

    test("passes arguments in and the exit code out", async () => {
      expect(await runToEnd(target, [], ["--version"])).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/^thimble \d/),
      });
      expect(await runToEnd(target, [], ["no-such-command"])).toMatchObject({ status: 64 });
    });

    test("on SIGTERM answers the request in flight, then ends with 0", async () => {
      const container = await start();
      const finish = await beginRequest(await container.url(), API_KEY);
      await container.signal("TERM");
      await container.logged('"draining"');
      const answer = await finish();
      expect(answer).toContain(" 200 OK\r\n");
      expect(answer).toContain('"data":"in flight"');
      expect(await container.exited()).toBe(0);
    });
  });

  test(`${target}: after SIGTERM continues for DRAIN_DELAY_SECONDS, except /ready`, async () => {
    const container = await start(["--env=DRAIN_DELAY_SECONDS=200"]);
    await container.signal("TERM");
    await container.logged('"draining"');
    expect((await container.fetch("/ready")).status).toBe(503);
    const answer = await container.fetch(PATH);
    expect({ status: answer.status, connection: answer.headers.get("Connection") }).toEqual({
      status: 200,
      connection: "close",
    });
    // A second signal ends the wait; one that follows at once is ignored as an echo of the first.
    const insisting = setInterval(() => container.signal("TERM").catch(() => {}), 200);
    const status = await container.exited().finally(() => clearInterval(insisting));
    expect(status).toBe(143);
  });

  test(`${target}: on Ctrl-C ends without DRAIN_DELAY_SECONDS`, async () => {
    const container = await start(["--env=DRAIN_DELAY_SECONDS=300"]);
    await container.signal("INT");
    expect(await container.exited()).toBe(0);
  });

  test(`${target}: serves HTTPS with a mounted certificate, and is healthy`, async () => {
    const certificates = join(import.meta.dir, "../certificates");
    const options = [
      `--memory=${HTTPS_MEMORY[target]}`,
      `--mount=type=bind,src=${certificates},dst=/run/tls,readonly`,
      "--env=TLS_CERT_FILE=/run/tls/first.crt",
      "--env=TLS_KEY_FILE=/run/tls/first.key",
    ];
    const container = await start(options, "https");
    await container.healthIs("healthy");
    expect((await container.fetch(PATH)).status).toBe(200);
  });

  describe(`${target}: does not start with`, () => {
    const expectOneProblem = (stderr: string, problem: RegExp) => {
      expect(stderr).toMatch(problem);
      expect(stderr.trim().split("\n").length).toBeLessThanOrEqual(2);
      expect(stderr).not.toMatch(/^\s+at /m);
    };

    test("no API key: says how to make one and how to try it out, and ends with 78", async () => {
      const { status, stderr } = await runToEnd(target, []);
      expectOneProblem(stderr, /API_KEY is not set. Make one: .+ ENVIRONMENT=development/);
      expect(status).toBe(78);
    });

    test("data that cannot be written: reports it, and ends with 78", async () => {
      const used = await start([`--mount=type=volume,src=${volume},dst=/data`]);
      await used.signal("KILL");
      const mount = `--mount=type=volume,src=${volume},dst=/data,readonly`;
      const { status, stderr } = await runToEnd(target, [KEY, mount]);
      expectOneProblem(stderr, /\/data\/thimble\.db: .*not writable/);
      expect(status).toBe(78);
    });

    test("a missing secret: names its variable, and ends with 78", async () => {
      const { status, stderr } = await runToEnd(target, [
        "--env=API_KEY_FILE=/run/secrets/api_key",
      ]);
      expectOneProblem(stderr, /API_KEY_FILE names a file that cannot be read/);
      expect(status).toBe(78);
    });
  });

  describe(`${target}: entries in SQLite`, () => {
    test("outlive a restart, and the container", async () => {
      const mount = [`--mount=type=volume,src=${volume},dst=/data`];
      const first = await start(mount);
      const id = await addEntry(first, "Outlives");
      expect(id).toBeNumber();
      const entries = new Map([[id ?? 0, "Outlives"]]);
      await docker("restart", first.id);
      await first.answering();
      await expectEntries(first, entries);
      await first.remove();
      await expectEntries(await start(mount), entries);
    });

    test("are all there after kill -9 during writes, if they were acknowledged", async () => {
      const container = await start();
      const entries = await writeUntilRefused(container, 100, () => container.signal("KILL"));
      expect(await container.exited()).toBe(137);
      expect(entries.size).toBeGreaterThanOrEqual(100);
      await container.start();
      await container.answering();
      await expectEntries(container, entries);
    });
  });
}

test("tiny: with too little memory says what it needs, and what to do", async () => {
  const { status, stderr } = await runToEnd("tiny", [KEY, "--memory=100m"]);
  expect(status).toBe(71);
  expect(stderr).toMatch(/^thimble: the memory limit is 100 MiB .* `standard` image\n$/);
});

test("tiny: with too few processes says how many it needs", async () => {
  const { status, stderr } = await runToEnd("tiny", [KEY, "--pids-limit=4"]);
  expect(status).toBe(71);
  expect(stderr).toMatch(/^thimble: only [34] of 8 threads can be made; .*`--pids-limit`.*\n$/);
});
