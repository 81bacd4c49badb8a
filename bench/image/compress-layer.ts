// Prints how many bytes a layer takes as gzip and as zstd:
//
//   bun bench/image/compress-layer.ts LAYER
import { pulledBytes } from "../../scripts/image-layers.ts";

/** Bytes. */
export type Compressed = { gzip: number; zstd: number };

/** What `docker push` uses. */
export const GZIP_LEVEL = 6;
export const ZSTD_LEVEL = 19;

export async function compressLayer(layer: string): Promise<Compressed> {
  return {
    gzip: await pulledBytes([layer], (tar) => Bun.gzipSync(tar, { level: GZIP_LEVEL })),
    zstd: await pulledBytes([layer], (tar) => Bun.zstdCompressSync(tar, { level: ZSTD_LEVEL })),
  };
}

if (import.meta.main) console.log(JSON.stringify(await compressLayer(process.argv[2] ?? "")));
