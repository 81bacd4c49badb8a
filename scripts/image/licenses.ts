// Collects the licence texts of all that a bill of materials names:
//
//   bun scripts/image/licenses.ts SBOM OUTDIR
import { cp, mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runMain, UsageError } from "../shell/main.ts";
import { identifiersOf, type Licensed, requireAllowed } from "./license-policy.ts";

export type Component = {
  name: string;
  version: string;
  purl: string;
  licenses: readonly { expression: string }[];
};

/** Where texts are looked for; Debian's places, unless a test has others. */
export type Places = {
  /** The project: its own licence, `node_modules`, and `licenses` for what came without a text. */
  root: string;
  /** Debian keeps a file `copyright` of every package here. */
  debianDocs: string;
  /** Debian's `copyright` files refer to the long texts, which are here. */
  commonLicenses: string;
};

export const DEBIAN = {
  debianDocs: "/usr/share/doc",
  commonLicenses: "/usr/share/common-licenses",
};

/** The long texts that are named in place of being repeated, by the name of Debian's file. */
const COMMON_TEXTS: Readonly<Record<string, string>> = {
  "Apache-2.0": "Apache-2.0",
  "LGPL-2.0-or-later": "LGPL-2",
  "LGPL-2.1-only": "LGPL-2.1",
  "LGPL-2.1-or-later": "LGPL-2.1",
};

/**
 * Copies the texts into `outdir`: a folder for each component, and `common-licenses`.
 *
 * @throws {Error} where a component may not be bundled, or has no text; the message names it.
 */
export async function collectLicenses(
  components: readonly Component[],
  outdir: string,
  places: Places,
): Promise<void> {
  const licensed = components.map(toLicensed);
  licensed.forEach(requireAllowed);
  const texts = await Promise.all(components.map((component) => textsOf(component, places)));
  for (const { from, to } of [...texts.flat(), ...commonTexts(licensed, places)]) {
    await mkdir(dirname(join(outdir, to)), { recursive: true });
    // What Debian names by a link has to be a file here, where the link leads nowhere.
    await cp(from, join(outdir, to), { dereference: true });
  }
}

type Text = { from: string; to: string };

function toLicensed({ name, version, licenses }: Component): Licensed {
  return { name, version, license: licenses.map(({ expression }) => expression).join(" AND ") };
}

/** The texts that came with a component; where it came without one, those in `licenses`. */
async function textsOf(component: Component, places: Places): Promise<Text[]> {
  const { name, version } = component;
  const collected = join(places.root, "licenses", name);
  for (const folder of [await ownFolder(component, places), collected]) {
    const files = folder === undefined ? [] : await licenseFiles(folder);
    if (files.length > 0) {
      return files.map((file) => ({ from: `${folder}/${file}`, to: `${name}/${file}` }));
    }
  }
  throw new Error(`${name}@${version} came without a licence text; put it into licenses/${name}/`);
}

/** The folder that a component was installed into, if it was. */
async function ownFolder(component: Component, places: Places): Promise<string | undefined> {
  const { name, purl } = component;
  if (purl.startsWith("pkg:generic/")) return places.root;
  if (purl.startsWith("pkg:deb/")) return join(places.debianDocs, name);
  return await npmFolder(component, places.root);
}

/** Two versions of one package may be installed, the second in a package that asked for it. */
async function npmFolder({ name, version }: Component, root: string): Promise<string | undefined> {
  for (const parent of ["", "node_modules/*/", "node_modules/@*/*/"]) {
    const pattern = new Bun.Glob(`${parent}node_modules/${name}/package.json`);
    for await (const path of pattern.scan({ cwd: root })) {
      const manifest = await Bun.file(join(root, path)).json();
      if (manifest.version === version) return join(root, dirname(path));
    }
  }
  return undefined;
}

const LICENSE_FILE = /^((un)?licen[cs]e|copying|copyright|notice)\b|\.LICENSE\.txt$/i;

async function licenseFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  return files.filter((name) => LICENSE_FILE.test(name)).sort();
}

function commonTexts(components: readonly Licensed[], { commonLicenses }: Places): Text[] {
  const identifiers = components.flatMap(({ license }) => identifiersOf(license));
  const names = new Set(identifiers.flatMap((id) => COMMON_TEXTS[id] ?? []));
  return [...names].map((name) => ({
    from: join(commonLicenses, name),
    to: `common-licenses/${name}`,
  }));
}

type Listed = { type: string; "bom-ref": string };
type Dependency = { ref: string; dependsOn: string[] };

async function main(): Promise<void> {
  const [sbom, outdir] = process.argv.slice(2);
  if (!sbom || !outdir) throw new UsageError("expected SBOM OUTDIR");
  const { metadata, components, dependencies = [] } = await Bun.file(sbom).json();
  // The licence of a part is in that of the component which it is a part of.
  const parts = new Set(dependencies.flatMap(({ dependsOn }: Dependency) => dependsOn));
  // The operating system is what the libraries are for; it is not bundled itself.
  const bundled = components.filter(
    (each: Listed) => each.type !== "operating-system" && !parts.has(each["bom-ref"]),
  );
  await collectLicenses([metadata.component, ...bundled], outdir, { root: ".", ...DEBIAN });
}

if (import.meta.main) await runMain(main);
