// Proves that the vulnerability scanner scans:
//
//   bun scripts/image/planted-sbom.ts write FILE     a bill of materials with vulnerable packages, to be scanned
//   bun scripts/image/planted-sbom.ts check REPORT   SCAN_OUTCOME says how that scan ended, REPORT what it found
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { required } from "../shell/github.ts";
import { runMain, UsageError } from "../shell/main.ts";
import { LIBRARIES, partOf } from "./bun-libraries.ts";
import {
  cycloneDx,
  debianComponent,
  npmComponent,
  operatingSystem,
  partComponent,
} from "./sbom.ts";

const SYSTEM = { name: "debian", version: "12" };

/**
 * Each finding is high or critical, has a fix, and stays what it is: versions are never published twice.
 * They are written as those of the images are, so that what is scanned here is scanned there too.
 */
export const PLANTED = [
  {
    component: npmComponent({ name: "lodash", version: "4.17.4", license: "MIT" }),
    finding: "CVE-2019-10744",
  },
  {
    component: npmComponent({ name: "minimist", version: "0.0.8", license: "MIT" }),
    finding: "CVE-2021-44906",
  },
  {
    component: debianComponent(
      { name: "libc6", version: "2.36-9", architecture: "amd64", source: "glibc", files: [] },
      SYSTEM,
    ),
    finding: "CVE-2023-4911",
  },
  {
    component: partComponent(partOf(LIBRARIES.sqlite, "3.39.1")),
    finding: "CVE-2022-35737",
  },
];

export function plantedSbom() {
  const metadata = { component: { type: "application", name: "planted", version: "0.0.0" } };
  const components = PLANTED.map(({ component }) => component);
  return cycloneDx(metadata, [operatingSystem(SYSTEM), ...components]);
}

type Finding = { VulnerabilityID: string };
type Report = { Results?: readonly { Vulnerabilities?: readonly Finding[] }[] };

/**
 * What is wrong with a scan of the planted packages: it has to fail, and because of them. A scanner
 * that fails for want of its database finds nothing and is no proof.
 */
export function problemsOf(outcome: string, report: Report): string[] {
  const found = (report.Results ?? []).flatMap(({ Vulnerabilities }) => Vulnerabilities ?? []);
  const ids = new Set(found.map(({ VulnerabilityID }) => VulnerabilityID));
  const missed = PLANTED.filter(({ finding }) => !ids.has(finding));
  return [
    ...(outcome === "failure" ? [] : [`the scan ended with ${outcome}, not with failure`]),
    ...missed.map(({ finding, component }) => `the scan missed ${finding} in ${component.purl}`),
  ];
}

async function check(path: string): Promise<void> {
  const file = Bun.file(path);
  if (!(await file.exists())) throw new Error(`the scan wrote no ${path}`);
  const problems = problemsOf(required("SCAN_OUTCOME"), await file.json());
  if (problems.length > 0) throw new Error(problems.join("; "));
  console.log(`The scan failed as it has to, and found ${PLANTED.length} planted packages.`);
}

async function main(): Promise<void> {
  const [command, path] = process.argv.slice(2);
  if (!path) throw new UsageError("expected write FILE or check REPORT");
  if (command === "check") return await check(path);
  if (command !== "write") throw new UsageError(`expected write or check, not ${command}`);
  mkdirSync(dirname(path), { recursive: true });
  await Bun.write(path, JSON.stringify(plantedSbom(), null, 2));
}

if (import.meta.main) await runMain(main);
