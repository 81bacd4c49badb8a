import { readFileSync } from "node:fs";
import type { Container } from "./container.ts";

/**
 * The packages in a running container, as `name@version`, found in a different way than for the bill of
 * materials: in a bundle that is not minified, a comment above each module names its source; and the
 * docs page's assets are compared with the packages' files.
 */
export async function packagesOf(container: Container): Promise<string[]> {
  const folders = new Set([...(await modulesInBundle()), ...(await foldersOfAssets(container))]);
  return await Promise.all([...folders].map(nameAndVersion));
}

async function modulesInBundle(): Promise<string[]> {
  const { outputs } = await Bun.build({
    entrypoints: ["src/adapters/bun.ts"],
    target: "bun",
    minify: { syntax: true },
  });
  const text = (await outputs[0]?.text()) ?? "";
  const comments = text.matchAll(/^\s*\/\/ (node_modules\/(?:@[\w.-]+\/)?[\w.-]+)\//gm);
  return [...comments].map(([, folder = ""]) => folder);
}

async function foldersOfAssets(container: Container): Promise<string[]> {
  const page = await (await container.fetch("/docs")).text();
  const references = page.matchAll(/(?:src|href)="(\.\/docs\/[^"]+)"/g);
  const assets = Array.from(references, ([, path = ""]) => path.slice(1));
  return (await Promise.all(assets.map((path) => folderOfAsset(container, path)))).flat();
}

/** The package with a file of the same name and bytes. */
async function folderOfAsset(container: Container, path: string): Promise<string[]> {
  const bytes = Buffer.from(await (await container.fetch(path)).arrayBuffer());
  const files = new Bun.Glob(`node_modules/*/${path.split("/").at(-1)}`).scanSync();
  const same = [...files].filter((file) => bytes.equals(readFileSync(file)));
  return same.map((file) => file.replace(/\/[^/]+$/, ""));
}

async function nameAndVersion(folder: string): Promise<string> {
  const { name, version } = await Bun.file(`${folder}/package.json`).json();
  return `${name}@${version}`;
}
