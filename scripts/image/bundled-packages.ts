export type BundledPackage = { name: string; version: string; license: string };

/**
 * The npm packages that a bundle holds some text of, by the bundler's own account of it: what was
 * installed or imported and then found to be unused is not among them.
 */
export async function bundledPackages(metafile: Bun.BuildMetafile): Promise<BundledPackage[]> {
  const folders = new Set(bundledPaths(metafile).flatMap(packageFolder));
  const packages = await Promise.all([...folders].sort().map(readPackage));
  return packages;
}

function bundledPaths({ outputs }: Bun.BuildMetafile): string[] {
  return Object.values(outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => path);
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
