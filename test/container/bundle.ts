import { readFileSync } from "node:fs";
import type { Container } from "./container.ts";

/**
 * The packages that a running container holds, as `name@version`, found by another way than the bill
 * of materials is: where a bundle is not minified, a comment above each module says where its text is
 * from; and what the docs page loads is compared with the packages' files.
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
  const assets = [...page.matchAll(/(?:src|href)="(\/docs\/[^"]+)"/g)].map(([, path = ""]) => path);
  return (await Promise.all(assets.map((path) => folderOfAsset(container, path)))).flat();
}

/** The package that has a file of the same name and the same bytes. */
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
