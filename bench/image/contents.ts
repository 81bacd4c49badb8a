import { filesOfLayer, type ImageFile, withLayers } from "../../scripts/image/files.ts";
import type { Compressed } from "./compress-layer.ts";

export type Contents = { layers: number; files: number; executables: number } & Compressed;

const COMPRESSOR = new URL("compress-layer.ts", import.meta.url).pathname;

/** Results by the layer's digest: variants share layers, and compressing one takes long. */
const compressed = new Map<string, Promise<Compressed>>();

/** What is in an image, and how many bytes are pulled, with layers as gzip and as zstd. */
export function contentsOf(image: string): Promise<Contents> {
  return withLayers(image, async (layers) => {
    const sizes = await Promise.all(layers.map(compress));
    return {
      layers: layers.length,
      ...countFiles(layers.map(filesOfLayer)),
      gzip: sizes.reduce((sum, { gzip }) => sum + gzip, 0),
      zstd: sizes.reduce((sum, { zstd }) => sum + zstd, 0),
    };
  });
}

async function compress(layer: string): Promise<Compressed> {
  const digest = new Bun.CryptoHasher("sha256").update(await Bun.file(layer).bytes()).digest("hex");
  const size = compressed.get(digest) ?? compressInChild(layer);
  compressed.set(digest, size);
  return await size;
}

/** In a process of low priority, because it needs a core for minutes. */
async function compressInChild(layer: string): Promise<Compressed> {
  const child = Bun.spawn(["nice", "-n19", process.execPath, COMPRESSOR, layer], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`${layer} could not be compressed`);
  return JSON.parse(text);
}

const REMOVED = ".wh.";

/** Counts what a container sees: an upper layer hides or replaces files of lower ones. */
export function countFiles(layers: readonly ImageFile[][]) {
  const files = new Map<string, ImageFile>();
  for (const layer of layers) {
    for (const { path } of layer) if (nameOf(path).startsWith(REMOVED)) remove(files, path);
    for (const file of layer) if (isFile(file)) files.set(file.path, file);
  }
  const executables = [...files.values()].filter(({ mode }) => mode.includes("x"));
  return { files: files.size, executables: executables.length };
}

/** Files and other names of a file; neither directories nor symbolic links. */
function isFile({ path, mode }: ImageFile): boolean {
  return /^[-h]/.test(mode) && !nameOf(path).startsWith(REMOVED);
}

/** `a/.wh.b` removes `a/b` and everything in it; `a/.wh..wh..opq` removes everything in `a`. */
function remove(files: Map<string, ImageFile>, marker: string): void {
  const folder = marker.slice(0, marker.lastIndexOf("/") + 1);
  const removed = nameOf(marker).slice(REMOVED.length);
  const gone = removed === ".wh..opq" ? folder : `${folder}${removed}`;
  for (const path of files.keys()) {
    if (path === gone || path.startsWith(gone.endsWith("/") ? gone : `${gone}/`)) {
      files.delete(path);
    }
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
