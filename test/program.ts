import { join } from "node:path";
import type { BunPlugin } from "bun";
import wrangler from "../wrangler.jsonc";

/** Bun's arguments for the program from source. */
export const SOURCE = [join(import.meta.dir, "../src/adapters/bun.ts")];

/** The program that tests run from source, without its arguments. */
export const FROM_SOURCE = [process.execPath, ...SOURCE];

/** What bundles and executables for tests are built with. */
export const PLUGINS: readonly BunPlugin[] = [];

/** Where the program that tests run has its migrations for D1. */
export const D1_MIGRATIONS = join(import.meta.dir, "..", wrangler.d1_databases[0].migrations_dir);
