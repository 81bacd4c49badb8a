import { gzippedScript, gzippedStyle } from "./gzip.macro.ts" with { type: "macro" };

/** Base64 of gzip: a string from the bundler's macro; without a bundler, a promise of one. */
type Asset = string | Promise<string>;

export const swaggerScript = (): Asset => gzippedScript();
export const swaggerStyle = (): Asset => gzippedStyle();
