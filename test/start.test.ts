import { expect, test } from "bun:test";
import { join } from "node:path";
import { API_KEY, eventually, inTemporaryDirectory } from "./service.ts";

const LAUNCHER = join(import.meta.dir, "../scripts/bun.mjs");

/** What `npm start` and `bun start` run, in its own process group, like a job of a shell. */
async function inJob(use: (job: Job) => Promise<void>, env: Record<string, string> = {}) {
  await inTemporaryDirectory(async (directory) => {
    const child = Bun.spawn([process.execPath, LAUNCHER, "start"], {
      env: { PATH: process.env.PATH ?? "", PORT: "0", DATA_DIR: directory, ...env },
      stdout: Bun.file(join(directory, "log")),
      stderr: "inherit",
      detached: true,
    });
    const log = () => Bun.file(join(directory, "log")).text();
    try {
      await use({
        log,
        exited: child.exited,
        interrupt: () => process.kill(-child.pid, "SIGINT"),
        kill: (signal) => child.kill(signal),
      });
    } finally {
      if (child.exitCode === null) process.kill(-child.pid, "SIGKILL");
      await child.exited;
    }
  });
}

type Job = {
  log: () => Promise<string>;
  exited: Promise<number>;
  /** Like Ctrl-C: the signal goes to every process of the job. */
  interrupt: () => void;
  /** Like `kill`: the signal goes only to the process that was started. */
  kill: (signal: NodeJS.Signals) => void;
};

test("starts in development mode, also if ENVIRONMENT is empty", async () => {
  await inJob(
    async ({ log }) => {
      const text = await eventually("the curl line", async () => {
        const soFar = await log();
        return soFar.includes("curl ") ? soFar : undefined;
      });
      expect(text).toContain('environment="development"');
      expect(text).toMatch(/API key for this run: \w{32}/);
    },
    { ENVIRONMENT: "" },
  );
});

test("shows the API page from source", async () => {
  await inJob(async ({ log }) => {
    const port = await eventually("the port", async () => /port=(\d+)/.exec(await log())?.[1]);
    const page = await fetch(`http://127.0.0.1:${port}/docs`);
    expect(await page.text()).toContain("<h1>Thimble API</h1>");
  });
});

test("SIGHUP reloads secrets, and SIGTERM ends the service", async () => {
  await inTemporaryDirectory(async (directory) => {
    const file = join(directory, "key");
    await Bun.write(file, API_KEY);
    await inJob(
      async ({ log, exited, kill }) => {
        await eventually("the port", async () => /port=(\d+)/.exec(await log())?.[1]);
        kill("SIGHUP");
        const reloaded = async () => (await log()).includes("secrets reloaded") || undefined;
        await eventually("the reload", reloaded);
        kill("SIGTERM");
        expect(await exited).toBe(0);
        expect(await log()).toContain("stopped");
      },
      { API_KEY_FILE: file },
    );
  });
});

test("Ctrl-C lets a request finish", async () => {
  await inJob(
    async ({ log, exited, interrupt }) => {
      const port = await eventually("the port", async () => /port=(\d+)/.exec(await log())?.[1]);
      const body = new TransformStream<string, string>();
      const writer = body.writable.getWriter();
      const answer = fetch(`http://127.0.0.1:${port}/api/v1/process`, {
        method: "POST",
        headers: { "X-API-Key": API_KEY, "Content-Type": "application/json" },
        body: body.readable.pipeThrough(new TextEncoderStream()),
      });
      await writer.write('{"action":"echo",');
      // When a later request is answered, the half body has arrived.
      await fetch(`http://127.0.0.1:${port}/healthz`);
      interrupt();
      await eventually("the drain", async () => (await log()).includes("draining") || undefined);
      await writer.write('"data":"late"}');
      await writer.close();
      expect(await (await answer).json()).toMatchObject({ data: "late" });
      expect(await exited).toBe(0);
      expect(await log()).toContain("stopped");
    },
    { API_KEY },
  );
});
