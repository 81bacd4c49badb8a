import { dirname, join } from "node:path";

export type BundledPackage = { name: string; version: string; license: string };

/**
 * The npm packages that a bundle holds some text of, by the bundler's own account of it: what was
 * installed or imported and then found to be unused is not among them.
 */
export async function bundledPackages(metafile: Bun.BuildMetafile): Promise<BundledPackage[]> {
  const metafiles = [metafile, ...(await macroMetafiles(metafile))];
  const folders = new Set(metafiles.flatMap(bundledPaths).flatMap(packageFolder));
  const packages = await Promise.all([...folders].sort().map(readPackage));
  return packages;
}

function bundledPaths({ outputs }: Bun.BuildMetafile): string[] {
  return Object.values(outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => path);
}

/**
 * What a macro reads while the bundler runs it ends up in the bundle too, without a word of it in the
 * metafile. So each macro gets a metafile of its own.
 */
async function macroMetafiles({ inputs }: Bun.BuildMetafile): Promise<Bun.BuildMetafile[]> {
  const own = Object.keys(inputs).filter((path) => packageFolder(path).length === 0);
  const entrypoints = (await Promise.all(own.map(macrosOf))).flat();
  if (entrypoints.length === 0) return [];
  const { metafile } = await Bun.build({ entrypoints, metafile: true });
  return metafile ? [metafile] : [];
}

const MACRO_IMPORT = /from\s+"(\.[^"]+)"\s+with\s*\{\s*type:\s*"macro"\s*\}/g;

async function macrosOf(path: string): Promise<string[]> {
  const source = await Bun.file(path).text();
  return [...source.matchAll(MACRO_IMPORT)].map(([, macro = ""]) => join(dirname(path), macro));
}

/** The innermost package that a path is in, if it is in one. */
function packageFolder(path: string): string[] {
  const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
  return folder === undefined ? [] : [folder];
}

async function readPackage(folder: string): Promise<BundledPackage> {
  const { name, version, license } = await Bun.file(`${folder}/package.json`).json();
  if (typeof license !== "string") throw new Error(`${folder}/package.json names no license`);
  return { name, version, license };
}
