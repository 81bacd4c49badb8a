import { join } from "node:path";
import { example } from "./example/plugin.ts";

const PROGRAM = join(import.meta.dir, "../src/adapters/bun.ts");
const PRELOAD = join(import.meta.dir, "example/preload.ts");

/** Bun's arguments for the program from source, with the books of test/example. */
export const SOURCE = ["--preload", PRELOAD, PROGRAM];

/** That program, without its own arguments. */
export const FROM_SOURCE = [process.execPath, ...SOURCE];

/** The service itself, with what it offers, from source. */
export const SERVICE_ITSELF = [process.execPath, PROGRAM];

/** What bundles and executables for tests are built with. */
export const PLUGINS = [example];
