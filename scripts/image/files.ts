// Takes the bill of materials out of an image, for a scanner:
//
//   bun scripts/image/files.ts IMAGE FILE [ARCHITECTURE]
import { mkdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { docker, run } from "../shell/commands.ts";
import { runMain, UsageError } from "../shell/main.ts";

export const SBOM = "/sbom.cdx.json";

/**
 * Copies files out of an image, each to the path that it is given here. The image is not run, so it may be
 * of another architecture (`arm64`) than this machine.
 */
export async function copyFromImage(
  image: string,
  files: Readonly<Record<string, string>>,
  architecture?: string,
): Promise<void> {
  const platform = architecture ? [`--platform=linux/${architecture}`] : [];
  const id = await run("docker", "create", ...platform, image);
  try {
    for (const [from, to] of Object.entries(files)) {
      mkdirSync(dirname(to), { recursive: true });
      await run("docker", "cp", `${id}:${from}`, to);
    }
  } finally {
    await run("docker", "rm", "--volumes", id);
  }
}

/** A file or directory in an image, with the mode as `ls` writes it: `-rwxr-xr-x`. */
export type ImageFile = { path: string; mode: string; owner: string; size: number };

/** Hands `use` the layers of an image, each as the path of an uncompressed tar file. */
export async function withLayers<T>(image: string, use: (layers: string[]) => Promise<T>) {
  const directory = await mkdtemp(join(tmpdir(), "thimble-layers-"));
  try {
    const saved = join(directory, "image.tar");
    await docker("save", "--output", saved, image);
    tar("--extract", `--file=${saved}`, `--directory=${directory}`);
    const [manifest] = await Bun.file(join(directory, "manifest.json")).json();
    return await use(manifest.Layers.map((layer: string) => join(directory, layer)));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const LINE =
  /^(?<mode>\S{10})\S* (?<owner>\d+\/\d+) +(?<size>\d+) \S+ \S+ (?<path>.*?)(?: -> .*| link to .*)?$/;

/** Everything that a layer holds. */
export function filesOfLayer(layer: string): ImageFile[] {
  const listing = tar("--list", "--verbose", "--numeric-owner", `--file=${layer}`);
  return listing.split("\n").flatMap((line) => {
    const { mode, owner, size, path } = LINE.exec(line)?.groups ?? {};
    return mode && owner && path ? [{ path, mode, owner, size: Number(size) }] : [];
  });
}

export function filesOfImage(image: string): Promise<ImageFile[]> {
  return withLayers(image, async (layers) => layers.flatMap(filesOfLayer));
}

function tar(...args: string[]): string {
  const { success, stdout, stderr } = Bun.spawnSync(["tar", ...args]);
  if (!success) throw new Error(stderr.toString());
  return stdout.toString();
}

async function main(): Promise<void> {
  const [image, file, architecture] = process.argv.slice(2);
  if (!image || !file) throw new UsageError("expected IMAGE FILE [ARCHITECTURE]");
  await copyFromImage(image, { [SBOM]: file }, architecture);
}

if (import.meta.main) await runMain(main);
