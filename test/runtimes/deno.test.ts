import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../scripts/build/runtimes.ts";
import { PLUGINS } from "../program.ts";
import { serverContract } from "../server.contract.ts";
import { API_KEY, runToEnd } from "../service.ts";
import { DENO_PERMISSIONS, denoCommand } from "./programs.ts";

setDefaultTimeout(60_000);

const home = mkdtempSync(join(tmpdir(), "thimble-deno-"));
afterAll(() => rmSync(home, { recursive: true }));

const bundled = bundle("deno", home, PLUGINS);

serverContract("Deno", async () => denoCommand(await bundled), ["SQLite", "PostgreSQL"], {
  refuses: "503",
  closes: "client",
  waitsForHandshakes: true,
  replacesCertificate: false,
  closesIdle: false,
  waitsForReader: true,
  learnsPartialWrites: false,
});

describe("Deno", () => {
  test("without the permission to listen exits with 69 and names it", async () => {
    const permissions = DENO_PERMISSIONS.filter((flag) => flag !== "--allow-net");
    const command = [...denoCommand(await bundled, permissions), "serve"];
    const env = { API_KEY, DATABASE_URL: "memory:", HOST: "127.0.0.1", PORT: "8000" };
    const { code, stderr } = await runToEnd(command, env);
    expect(code).toBe(69);
    expect(stderr).toMatch(
      /^thimble: cannot listen on 127\.0\.0\.1:8000: NotCapable: [^\n]+--allow-net[^\n]*\n$/,
    );
  });
});
