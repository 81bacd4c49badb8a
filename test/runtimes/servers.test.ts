import { afterAll, setDefaultTimeout } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BundledRuntime, bundle } from "../../scripts/bundle.ts";
import { httpContract } from "../http.contract.ts";
import { freshDatabase } from "../postgres.ts";
import { type Program, programContract } from "../program.contract.ts";
import { startService, type Variables } from "../service.ts";
import { deno, node } from "./programs.ts";

setDefaultTimeout(60_000);

const home = mkdtempSync(join(tmpdir(), "thimble-runtimes-"));
afterAll(() => rmSync(home, { recursive: true }));

const bundles = new Map<BundledRuntime, Promise<string>>();

/** The path of a bundle, made when it is first asked for. */
function bundled(runtime: BundledRuntime): Promise<string> {
  const made = bundles.get(runtime) ?? bundle(runtime, join(home, runtime));
  bundles.set(runtime, made);
  return made;
}

const DENO_FLAGS = ["--quiet", "--no-prompt", "--allow-net", "--allow-env", "--allow-read"];

const PROGRAMS: [name: string, program: Program][] = [
  ["Bun from source", () => [process.execPath, join(import.meta.dir, "../../src/runtime/bun.ts")]],
  ["Node", async () => [node(), await bundled("node")]],
  [
    "Deno",
    async () => [
      deno(),
      "run",
      ...DENO_FLAGS,
      "--allow-write",
      "--allow-sys",
      await bundled("deno"),
    ],
  ],
];

async function open(program: Program, env: Variables, release = async () => {}) {
  const command = await program();
  const service = await startService({
    command,
    env: { CORS_ORIGINS: "https://app.example", ...env },
  });
  return {
    baseUrl: service.url,
    apiKey: service.apiKey,
    fetch,
    close: async () => {
      await service[Symbol.asyncDispose]();
      await release();
    },
  };
}

for (const [name, program] of PROGRAMS) {
  httpContract(`${name}, memory`, () => open(program, { DATABASE_URL: "memory:" }));
  httpContract(`${name}, SQLite`, () => open(program, {}));
  httpContract(`${name}, PostgreSQL`, async () => {
    const { url, drop } = await freshDatabase();
    return open(program, { DATABASE_URL: url }, drop);
  });
  programContract(name, program);
}
