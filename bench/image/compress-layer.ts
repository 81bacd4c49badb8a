// Prints how many bytes a layer takes as gzip and as zstd:
//
//   bun bench/image/compress-layer.ts LAYER
/** Bytes. */
export type Compressed = { gzip: number; zstd: number };

/** What `docker push` uses. */
export const GZIP_LEVEL = 6;
export const ZSTD_LEVEL = 19;

export async function compressLayer(layer: string): Promise<Compressed> {
  const tar = await Bun.file(layer).bytes();
  return {
    gzip: Bun.gzipSync(tar, { level: GZIP_LEVEL }).length,
    zstd: Bun.zstdCompressSync(tar, { level: ZSTD_LEVEL }).length,
  };
}

if (import.meta.main) console.log(JSON.stringify(await compressLayer(process.argv[2] ?? "")));
