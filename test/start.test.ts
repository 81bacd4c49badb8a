import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { API_KEY, eventually, inTemporaryDirectory, until } from "./service.ts";

setDefaultTimeout(30_000);

const ROOT = join(import.meta.dir, "..");

/** What `npm start` and `bun start` run, in its own process group, like a job of a shell. */
async function inJob(
  use: (job: Job) => Promise<void>,
  env: Record<string, string> = {},
  { root = ROOT, command = "start" } = {},
) {
  await inTemporaryDirectory(async (directory) => {
    const child = Bun.spawn([process.execPath, join(root, "scripts/bun.mjs"), command], {
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

/** What a new clone has, with its packages. */
async function inCopy(use: (root: string) => Promise<void>): Promise<void> {
  await inTemporaryDirectory(async (root) => {
    for (const name of ["src", "scripts", "package.json", "bun.lock", "bunfig.toml"]) {
      cpSync(join(ROOT, name), join(root, name), { recursive: true });
    }
    const links = Bun.spawnSync(["cp", "-al", join(ROOT, "node_modules"), root]);
    expect(links.stderr.toString()).toBe("");
    await use(root);
  });
}

const urlIn = (log: string) => /listens on (\S+)/.exec(log)?.[1];

describe("npm run dev", () => {
  test("serves every change, in short lines, with a key that stays", async () => {
    await inCopy(async (root) => {
      const keys: unknown[] = [];
      const start = (use: (job: Job) => Promise<void>) =>
        inJob(use, { PORT: "0", DATABASE_URL: "memory:" }, { root, command: "dev" });
      await start(async ({ log, interrupt, exited }) => {
        const url = await eventually("the address", async () => urlIn(await log()));
        expect(await log()).toContain(`Read and try the API: ${url}/docs`);
        keys.push(/kept in data\/dev-key: (\w{64})/.exec(await log())?.[1]);
        const greeting = await fetch(`${url}/`);
        expect(await greeting.text()).toBe("Hello from Docker!");
        await until("a short line", async () => / GET \/ .*200/.test(await log()));

        const page = join(root, "src/pages/landing.ts");
        const changed = (await Bun.file(page).text()).replace("Hello from Docker!", "Changed");
        writeFileSync(page, changed);
        await until("the change is served", async () => {
          const now = (await log()).split("listens on ").at(-1)?.split("\n")[0];
          const answer = await fetch(`${now}/`).catch(() => undefined);
          return (await answer?.text()) === "Changed";
        });
        interrupt();
        expect(await exited).toBe(0);
      });
      await start(async ({ log }) => {
        await until("the key is shown", async () => (await log()).includes("data/dev-key"));
        keys.push(/kept in data\/dev-key: (\w{64})/.exec(await log())?.[1]);
      });
      expect(keys[0]).toMatch(/^\w{64}$/);
      expect(keys[1]).toBe(keys[0]);
      expect(statSync(join(root, "data/dev-key")).mode & 0o777).toBe(0o600);
    });
  });

  test("takes what .env sets, also in place of its own defaults", async () => {
    await inCopy(async (root) => {
      const env = ["ENVIRONMENT=", "LOG_FORMAT=json", 'API_KEYS=""', "DATABASE_URL=memory:"];
      env.push("API_KEY=the-key-of-my-env-file");
      writeFileSync(join(root, ".env"), `${env.join("\n")}\n`);
      await inJob(
        async ({ log }) => {
          const url = await eventually("the address", async () => urlIn(await log()));
          expect(await log()).toContain('"message":"listening"');
          expect(await log()).toContain('"environment":"development"');
          expect(await log()).not.toContain("data/dev-key");
          const answer = await fetch(`${url}/api/v1/process`, {
            method: "POST",
            headers: { "X-API-Key": "the-key-of-my-env-file", "Content-Type": "application/json" },
            body: '{"action":"echo"}',
          });
          expect(answer.status).toBe(200);
        },
        {},
        { root, command: "dev" },
      );
    });
  });
});
