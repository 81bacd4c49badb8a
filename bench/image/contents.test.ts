import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filesOfLayer } from "../../scripts/image/files.ts";
import { compressLayer } from "./compress-layer.ts";
import { countFiles } from "./contents.ts";

const TEXT = "the same words again and again\n".repeat(4000);

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "thimble-contents-"));
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** A layer with the files of a folder that `fill` has filled. */
async function layerOf(name: string, fill: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = join(directory, name);
  mkdirSync(join(folder, "bin"), { recursive: true });
  await fill(folder);
  const layer = `${folder}.tar`;
  Bun.spawnSync(["tar", "--create", `--file=${layer}`, `--directory=${folder}`, "bin"]);
  return layer;
}

async function executable(path: string): Promise<void> {
  await Bun.write(path, TEXT);
  chmodSync(path, 0o755);
}

describe("the files of an image", () => {
  let lower: string;
  let upper: string;

  beforeAll(async () => {
    lower = await layerOf("lower", async (folder) => {
      await executable(join(folder, "bin/run"));
      await Bun.write(join(folder, "bin/words.txt"), TEXT);
      await Bun.write(join(folder, "bin/old/words.txt"), TEXT);
      linkSync(join(folder, "bin/run"), join(folder, "bin/walk"));
      symlinkSync("run", join(folder, "bin/go"));
    });
    upper = await layerOf("upper", async (folder) => {
      await executable(join(folder, "bin/words.txt"));
      await Bun.write(join(folder, "bin/.wh.old"), "");
    });
  });

  test("are counted without directories and symbolic links", () => {
    expect(countFiles([filesOfLayer(lower)])).toEqual({ files: 4, executables: 2 });
  });

  test("are those that the upper layers leave and add", () => {
    expect(countFiles([lower, upper].map(filesOfLayer))).toEqual({ files: 3, executables: 3 });
  });

  test("are none below a folder that hides all that was in it", () => {
    const hidden = { path: "bin/.wh..wh..opq", mode: "-rw-r--r--", owner: "0/0", size: 0 };
    expect(countFiles([filesOfLayer(lower), [hidden]])).toEqual({ files: 0, executables: 0 });
  });
});

test("a layer is measured in bytes of gzip and of zstd", async () => {
  const layer = await layerOf("text", (folder) => Bun.write(join(folder, "bin/text"), TEXT));
  const { gzip, zstd } = await compressLayer(layer);
  expect(gzip).toBeGreaterThan(100);
  expect(gzip).toBeLessThan(TEXT.length / 10);
  expect(zstd).toBeGreaterThan(100);
  expect(zstd).toBeLessThan(gzip);
});
