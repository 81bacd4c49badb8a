import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { outputOf } from "../scripts/shell/commands.ts";

/** A library that counts and slows the waits for the disk of the program that it is loaded into. */
export type SlowDisk = {
  /** What the program needs in its environment. */
  variables: { LD_PRELOAD: string; FSYNC_COUNTER: string; FSYNC_MS: string };
  /** How many times the program has called `fsync` and `fdatasync`. */
  fsyncs: () => number;
};

/** Compiles the library with gcc. @param fsyncMs how much longer each wait takes. */
export async function slowDisk(directory: string, fsyncMs: number): Promise<SlowDisk> {
  const library = join(directory, "slow-disk.so");
  const source = new URL("slow-disk.c", import.meta.url).pathname;
  await outputOf("gcc", "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl");
  const counter = join(directory, "fsyncs");
  writeFileSync(counter, new Uint8Array(8));
  return {
    variables: { LD_PRELOAD: library, FSYNC_COUNTER: counter, FSYNC_MS: String(fsyncMs) },
    fsyncs: () => Number(readFileSync(counter).readBigUInt64LE()),
  };
}
