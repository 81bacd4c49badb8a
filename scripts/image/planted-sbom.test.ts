import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PLANTED, problemsOf } from "./planted-sbom.ts";

const home = mkdtempSync(join(tmpdir(), "thimble-planted-"));
afterAll(() => rmSync(home, { recursive: true }));

const reportOf = (...ids: string[]) => ({
  Results: [{}, { Vulnerabilities: ids.map((id) => ({ VulnerabilityID: id })) }],
});
const ALL = PLANTED.map(({ finding }) => finding);

describe("problemsOf", () => {
  test("are none where the scan failed because of what was planted", () => {
    expect(problemsOf("failure", reportOf("CVE-0000-0000", ...ALL))).toEqual([]);
  });

  test("name a scan that passed", () => {
    expect(problemsOf("success", reportOf(...ALL))).toEqual([
      "the scan ended with success, not with failure",
    ]);
  });

  for (const [what, report] of [
    ["nothing", {}],
    ["no package", { Results: [] }],
    ["something else", reportOf("CVE-0000-0000")],
  ] as const) {
    test(`name what a scan missed that found ${what}`, () => {
      expect(problemsOf("failure", report)).toEqual(
        PLANTED.map(({ finding, component }) => `the scan missed ${finding} in ${component.purl}`),
      );
    });
  }
});

describe("bun scripts/image/planted-sbom.ts", () => {
  const run = (args: string[], outcome = "failure") =>
    Bun.spawnSync([process.execPath, "scripts/image/planted-sbom.ts", ...args], {
      env: { PATH: process.env.PATH ?? "", SCAN_OUTCOME: outcome },
    });

  test("write makes a bill of materials that names each planted package by its purl", async () => {
    const file = join(home, "deeper/planted.cdx.json");
    expect(run(["write", file]).exitCode).toBe(0);
    const { bomFormat, components } = await Bun.file(file).json();
    expect(bomFormat).toBe("CycloneDX");
    expect(components).toEqual([
      { type: "operating-system", "bom-ref": "debian-12", name: "debian", version: "12" },
      ...PLANTED.map(({ component }) => component),
    ]);
    for (const { purl } of components.slice(1)) expect(purl).toMatch(/^pkg:(npm|deb|conan)\//);
  });

  test("check passes for the report that the planted packages make", () => {
    const file = join(home, "report.json");
    writeFileSync(file, JSON.stringify(reportOf(...ALL)));
    expect(run(["check", file]).exitCode).toBe(0);
    const passed = run(["check", file], "success");
    expect(passed.stderr.toString()).toBe(
      "thimble: the scan ended with success, not with failure\n",
    );
    expect(passed.exitCode).toBe(1);
  });

  for (const [args, code, message] of [
    [["check", "/no/report.json"], 1, "the scan wrote no /no/report.json"],
    [["plant", "file"], 64, "expected write or check, not plant"],
    [["write"], 64, "expected write FILE or check REPORT"],
  ] as const) {
    test(`${args.join(" ")}: ${message}`, () => {
      const { stderr, exitCode } = run([...args]);
      expect(stderr.toString()).toBe(`thimble: ${message}\n`);
      expect(exitCode).toBe(code);
    });
  }
});
