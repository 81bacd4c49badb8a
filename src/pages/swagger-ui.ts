import { gzippedScript, gzippedStyle } from "./gzip.macro.ts" with { type: "macro" };

/** Base64 of gzip: by the macro a string, and where no bundler ran it the promise of one. */
type Asset = string | Promise<string>;

export const swaggerScript = (): Asset => gzippedScript();
export const swaggerStyle = (): Asset => gzippedStyle();
