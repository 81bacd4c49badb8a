import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../scripts/build/runtimes.ts";
import { askUntilGone, expectAllLogged } from "../log.contract.ts";
import { FROM_SOURCE, PLUGINS, SOURCE } from "../program.ts";
import { DENO_PERMISSIONS, denoProgram, nodeProgram } from "../runtimes/programs.ts";
import { eventually, startService } from "../service.ts";

setDefaultTimeout(60_000);

const PRELOAD = join(import.meta.dir, "preload.mjs");

const home = mkdtempSync(join(tmpdir(), "thimble-crash-"));
afterAll(() => rmSync(home, { recursive: true }));

const PROGRAMS: [name: string, command: () => Promise<string[]>][] = [
  ["Bun", async () => [process.execPath, "--preload", PRELOAD, ...SOURCE]],
  [
    "Node",
    async () => [
      nodeProgram(),
      "--import",
      PRELOAD,
      await bundle("node", join(home, "n"), PLUGINS),
    ],
  ],
  [
    "Deno",
    async () => {
      const program = await bundle("deno", join(home, "d"), PLUGINS);
      const flags = ["--quiet", "--no-prompt", ...DENO_PERMISSIONS, "--preload", PRELOAD];
      return [denoProgram(), "run", ...flags, program];
    },
  ],
];

for (const [name, command] of PROGRAMS) {
  describe(`an uncaught defect, on ${name},`, () => {
    for (const [what, signal, error] of [
      ["thrown", "SIGUSR2", "TypeError: it broke at postgres://***@db.example/books"],
      ["rejected", "SIGHUP", "RangeError: nobody waited for it"],
      ["that is no error", "SIGWINCH", "no error at all"],
    ] as const) {
      test(`${what}, is the last line of the log and ends the service with 1`, async () => {
        await using service = await startService({ command: await command() });
        const clients = Array.from({ length: 8 }, () => askUntilGone(service));
        await eventually("some are answered", () => service.log().length > 100 || undefined);
        service.kill(signal);
        expect(await service.exited).toEqual({ code: 1, signal: null });
        expect(service.log().at(-1)).toMatchObject({ level: "ERROR", message: "crashed", error });
        expect(service.stdout()).not.toContain("hidden");
        expect(service.stderr()).toBe("");
        expectAllLogged(service, (await Promise.all(clients)).flat());
      });
    }
  });
}

test("a service that is killed loses the lines of at most one turn, and cuts none", async () => {
  await using service = await startService({ command: FROM_SOURCE });
  const clients = Array.from({ length: 8 }, () => askUntilGone(service));
  await eventually("some are answered", () => service.log().length > 100 || undefined);
  await service.stop("SIGKILL");
  const answered = (await Promise.all(clients)).flat();
  const logged = new Set(service.log().map(({ request_id }) => request_id));
  const missing = answered.filter((id) => !logged.has(id));
  // Eight clients wait for their answers, so at most eight requests share a turn.
  expect(missing.length).toBeLessThanOrEqual(clients.length);
});
