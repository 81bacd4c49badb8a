import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import packageJson from "../../package.json" with { type: "json" };
import { changesOfBun } from "../build/changes.ts";
import { languagesToKeep } from "../build/slim/options.ts";
import { bunLibraries, type Part } from "./bun-libraries.ts";
import { type BundledPackage, bundledPackages } from "./bundled-packages.ts";
import { realPath, type SystemFile } from "./libraries.ts";

/** A component in a CycloneDX document (https://cyclonedx.org/docs/1.6/json/#components). */
type Component = {
  type: "application" | "framework" | "library";
  "bom-ref": string;
  name: string;
  version: string;
  licenses: [{ expression: string }];
  purl: string;
  evidence?: { occurrences: { location: string }[] };
  properties?: { name: string; value: string }[];
  pedigree?: Pedigree;
};

/** What a changed component was made from, and how (https://cyclonedx.org/docs/1.6/json/#components_items_pedigree). */
type Pedigree = {
  ancestors: Pick<Component, "type" | "name" | "version" | "purl">[];
  patches: { type: "unofficial" }[];
  notes: string;
};

/** A library inside of another component, which has its licence text. */
type PartComponent = Part & { type: "library"; "bom-ref": string };

/** Without it, scanners pass over Debian's packages: a fix is looked up by the release of Debian. */
type OperatingSystem = {
  type: "operating-system";
  "bom-ref": string;
  name: string;
  version: string;
};

type AnyComponent = Component | PartComponent | OperatingSystem;

export type System = Pick<OperatingSystem, "name" | "version">;

export type DebianPackage = {
  name: string;
  version: string;
  architecture: string;
  source: string;
  /** The package's files that are in the image; none where they were linked into a program. */
  files: string[];
};

export type Contents = {
  service: { name: string; version: string; license: string };
  bun: string;
  /** What was changed in Bun, in sentences. */
  changes: readonly string[];
  packages: readonly BundledPackage[];
  /** What is inside of Bun and of npm packages, by the name of the component. */
  parts: Readonly<Record<string, readonly Part[]>>;
  /** What the libraries were packaged for. */
  system: System;
  libraries: readonly DebianPackage[];
  /** What the launcher is linked with, where there is a launcher. */
  launcher: readonly DebianPackage[];
  /** Seconds since 1970 that stand for the time of the build. */
  epoch: number;
};

/** Debian says licences in prose, for people; these are what is taken of them, by source package. */
const DEBIAN_LICENSES: Record<string, string> = {
  glibc: "LGPL-2.1-or-later",
  libzstd: "BSD-3-Clause",
  musl: "MIT",
  xxhash: "BSD-2-Clause",
};

/** Bun's own, and those of what is linked into it, by licenses/bun/LICENSE.md. */
const BUN_LICENSE = [
  "MIT",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "IJG",
  "LGPL-2.0-or-later",
  "LGPL-2.1-only",
  "Unicode-3.0",
  "Zlib",
  "blessing",
  "libpng-2.0",
].join(" AND ");

/** The software bill of materials of an image. */
export function sbom({
  service,
  bun,
  changes,
  packages,
  parts,
  system,
  libraries,
  launcher,
  epoch,
}: Contents) {
  const debian = (each: DebianPackage) => debianComponent(each, system);
  const metadata = {
    timestamp: new Date(epoch * 1000).toISOString(),
    component: own("application", service.name, service),
  };
  const wholes = [bunComponent(bun, changes), ...packages.map(npmComponent)];
  const inside = wholes.flatMap((whole) => {
    const components = (parts[whole.name] ?? []).map(partComponent);
    return components.length > 0 ? [{ whole, components }] : [];
  });
  const document = cycloneDx(metadata, [
    operatingSystem(system),
    ...wholes,
    ...inside.flatMap(({ components }) => components),
    ...libraries.map(debian),
    ...(launcher.length > 0 ? [own("application", `${service.name}-launcher`, service)] : []),
    ...launcher.map(debian),
  ]);
  const dependencies = inside.map(({ whole, components }) => ({
    ref: whole["bom-ref"],
    dependsOn: components.map((part) => part["bom-ref"]),
  }));
  return { ...document, dependencies };
}

/** A CycloneDX 1.6 document (https://cyclonedx.org/docs/1.6/json/). */
export function cycloneDx(metadata: object, components: readonly AnyComponent[]) {
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata,
    components,
  };
}

/** It has no purl: it is not in the image, and scanners would take it for a package. */
export function operatingSystem({ name, version }: System): OperatingSystem {
  return { type: "operating-system", "bom-ref": `${name}-${version}`, name, version };
}

/** Reads os-release (https://www.freedesktop.org/software/systemd/man/latest/os-release.html). */
export function systemOf(osRelease: string): System {
  const value = (key: string) => new RegExp(`^${key}="?([^"\\n]+)"?$`, "m").exec(osRelease)?.[1];
  const [name, version] = [value("ID"), value("VERSION_ID")];
  if (name === undefined || version === undefined) {
    throw new Error(
      "/etc/os-release has no ID or no VERSION_ID; the base image has to be a Debian",
    );
  }
  return { name, version };
}

/** It keeps the name that scanners look up: what is known of that version is true of the changed one too. */
function bunComponent(version: string, changes: readonly string[]): Component {
  const [type, name, purl] = ["framework", "bun", `pkg:npm/bun@${version}`] as const;
  const pedigree: Pedigree = {
    ancestors: [{ type, name, version, purl }],
    patches: changes.map(() => ({ type: "unofficial" })),
    notes: changes.join(" "),
  };
  return { ...component(type, name, version, BUN_LICENSE, purl), pedigree };
}

function own(type: Component["type"], name: string, { version, license }: Contents["service"]) {
  return component(type, name, version, license, `pkg:generic/${name}@${version}`);
}

export function npmComponent({ name, version, license }: BundledPackage): Component {
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  return component("library", name, version, license, purl);
}

export function partComponent(part: Part): PartComponent {
  return { type: "library", "bom-ref": part.purl, ...part };
}

/** Debian's advisories are about source packages, whose name Trivy takes from its own property alone. */
export function debianComponent(debian: DebianPackage, system: System): Component {
  const { name, version, architecture, source, files } = debian;
  const license = DEBIAN_LICENSES[source];
  if (!license) throw new Error(`The licence of Debian's ${source} is missing in DEBIAN_LICENSES`);
  const distro = `${system.name}-${system.version}`;
  const query = new URLSearchParams({ arch: architecture, distro, upstream: source });
  const purl = `pkg:deb/${system.name}/${name}@${encodeURIComponent(version)}?${query}`;
  const occurrences = files.map((location) => ({ location }));
  return {
    ...component("library", name, version, license, purl),
    ...(occurrences.length > 0 && { evidence: { occurrences } }),
    properties: [{ name: "aquasecurity:trivy:SrcName", value: source }],
  };
}

function component(
  type: Component["type"],
  name: string,
  version: string,
  license: string,
  purl: string,
): Component {
  return { type, "bom-ref": purl, name, version, licenses: [{ expression: license }], purl };
}

/** The Debian packages that these files of a system come from. */
function debianPackagesOf(files: readonly string[], root: string): DebianPackage[] {
  const filesByPackage = Map.groupBy(files, (path) => owningPackage({ root, path }));
  return [...filesByPackage].map(([name, owned]) => ({
    ...describePackage(name, root),
    files: owned,
  }));
}

/** Before /usr was merged, packages registered their libraries under /lib; both names lead there. */
function owningPackage(file: SystemFile): string {
  const path = realPath(file);
  const registered = dpkgQuery(file.root, "--search", path, path.replace(/^\/usr/, ""));
  const owner = registered.split(": ")[0];
  if (!owner) throw new Error(`${file.path} belongs to no Debian package`);
  return owner;
}

function describePackage(name: string, root: string): Omit<DebianPackage, "files"> {
  const fields = ["Package", "Version", "Architecture", "source:Package"];
  const format = fields.map((field) => `\${${field}}`).join("\t");
  return parsePackage(dpkgQuery(root, "--show", `--showformat=${format}`, name));
}

/** Reads what `dpkg-query` shows of a package: its name, version, architecture and source. */
function parsePackage(line: string): Omit<DebianPackage, "files"> {
  const [name = "", version = "", architecture = "", source = ""] = line.split("\t");
  return { name, version, architecture, source };
}

function dpkgQuery(root: string, ...args: string[]): string {
  return Bun.spawnSync(["dpkg-query", `--root=${root}`, ...args]).stdout.toString();
}

/** What is inside of the components that say so: Bun. */
async function findParts(root: string): Promise<Contents["parts"]> {
  const license = await Bun.file("licenses/bun/LICENSE.md").text();
  const executable = readFileSync(join(root, process.execPath), "latin1");
  return { bun: bunLibraries(license, executable) };
}

/**
 * Prints the bill of materials of an image. Its libraries and its Bun come from the system at ROOT, which may be
 * for another architecture; by default, from this machine:
 *
 *     bun scripts/image/sbom.ts [--root ROOT] [--launcher PACKAGES.tsv] LIBRARY...
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { launcher: { type: "string" }, root: { type: "string", default: "/" } },
    allowPositionals: true,
  });
  const { root } = values;
  const lines = values.launcher ? readFileSync(values.launcher, "utf8").trim().split("\n") : [];
  const document = sbom({
    service: packageJson,
    bun: Bun.version,
    changes: changesOfBun(languagesToKeep(process.env)),
    packages: await bundledPackages(await Bun.file("dist/metafile.json").json()),
    parts: await findParts(root),
    system: systemOf(readFileSync(join(root, "etc/os-release"), "utf8")),
    libraries: debianPackagesOf(positionals, root),
    launcher: lines.map((line) => ({ ...parsePackage(line), files: [] })),
    epoch: Number(process.env.SOURCE_DATE_EPOCH ?? 0),
  });
  console.log(JSON.stringify(document, null, 2));
}

if (import.meta.main) await main();
