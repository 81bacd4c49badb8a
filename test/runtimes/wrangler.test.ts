import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../scripts/build/runtimes.ts";
import { RESOURCES } from "../../src/service.ts";
import wrangler from "../../wrangler.jsonc";
import { inputOf } from "../resources/values.ts";
import { API_KEY, eventually } from "../service.ts";
import { nodeProgram } from "./programs.ts";

// Wrangler builds, starts and watches, each in a separate process.
setDefaultTimeout(120_000);

const ROOT = join(import.meta.dir, "../..");
const START_LIMIT_MS = 60_000;

/** The files that Wrangler reads, with the bundle already built. */
const project = mkdtempSync(join(tmpdir(), "thimble-wrangler-"));
const { build: _build, ...config } = wrangler;
const migrations = config.d1_databases[0].migrations_dir;
await Bun.write(join(project, "wrangler.jsonc"), JSON.stringify(config));
await Bun.write(join(project, ".dev.vars"), `API_KEY=${API_KEY}\n`);
cpSync(join(ROOT, migrations), join(project, migrations), { recursive: true });
const script = await bundle("workers", join(project, "dist/workers"));

afterAll(() => rmSync(project, { recursive: true }));

/** Starts Wrangler on Node, without an account and without telemetry. */
function startWrangler(...args: string[]) {
  const command = [join(ROOT, "node_modules/wrangler/bin/wrangler.js"), ...args];
  const child = spawn(nodeProgram(), command, {
    cwd: project,
    env: {
      PATH: process.env.PATH,
      HOME: project,
      NODE_ENV: "test",
      CI: "true",
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_HIDE_BANNER: "true",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
    },
    stdio: ["ignore", "pipe", "pipe"],
    // In its own process group, together with workerd.
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const exited = new Promise<number | null>((resolve) => child.on("close", resolve));
  const kill = () => process.kill(-(child.pid ?? 0), "SIGKILL");
  return { output: () => output, exited, kill };
}

test("a deployment is the unchanged bundle, bound to D1", async () => {
  const { output, exited } = startWrangler("deploy", "--dry-run", "--outdir", "out");
  expect({ code: await exited, output: output() }).toMatchObject({ code: 0 });
  expect(output()).toContain("env.DB (thimble)");
  expect(output()).not.toMatch(/warning/i);
  const out = [...new Bun.Glob("*.{js,mjs,map,wasm}").scanSync(join(project, "out"))];
  expect(out).toEqual(["workers.mjs"]);
  expect(await Bun.file(join(project, "out/workers.mjs")).bytes()).toEqual(
    await Bun.file(script).bytes(),
  );
});

test("it runs on this machine for development, on a migrated D1 database", async () => {
  const migration = startWrangler("d1", "migrations", "apply", "DB", "--local");
  expect({ code: await migration.exited, output: migration.output() }).toMatchObject({ code: 0 });
  expect(migration.output()).toMatch(/\b0001-[\w-]+\.sql/);
  const dev = startWrangler("dev", "--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0");
  try {
    const look = () => /Ready on (http:\S+)/.exec(dev.output())?.[1];
    const url = await eventually("Wrangler is ready", look, START_LIMIT_MS);
    const headers = { "X-API-Key": API_KEY, "Content-Type": "application/json" };
    const [resource] = RESOURCES;
    const input = inputOf(resource);
    const path = `${url}/${resource.name}`;
    const created = await fetch(path, { method: "POST", headers, body: JSON.stringify(input) });
    expect(created.status).toBe(201);
    expect(created.headers.get("Location")).toBe(`./${resource.name}/1`);
    expect(await (await fetch(path)).json()).toMatchObject({ items: [{ id: 1, ...input }] });
    const ready = await fetch(`${url}/ready`);
    expect(ready.status).toBe(200);
  } finally {
    dev.kill();
    await dev.exited;
  }
});
