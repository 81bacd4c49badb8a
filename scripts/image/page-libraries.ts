import type { Part } from "./bun-libraries.ts";

/** Where the libraries in Swagger UI's script say their version; most of them do not. */
const STATEMENTS: Readonly<Record<string, RegExp>> = {
  autolinker: /\bAutolinker\.version="([\d.]+)"/,
  "core-js-pure": /\.push\(\{version:"([\d.]+)",mode:/,
  dompurify: /\bDOMPurify\.version="([\d.]+)"/,
  "highlight.js": /\.versionString="([\d.]+)"/,
  immutable: /\.toSet\(\)\}var \w+="([\d.]+)"/,
  react: /\.useTransition=function\(\)\{[^}]*\},\w+\.version="([\d.]+)"/,
  "react-dom": /version:"([\d.]+)",rendererPackageName:"react-dom"/,
  "short-unique-id": /this\.version="([\d.]+)";const\{dictionary/,
};

/**
 * The libraries in the script of the page /docs whose version is in its text.
 *
 * @throws {Error} if one of them is not found: it may have been removed, or says its version elsewhere.
 */
export function pageLibraries(script: string): Part[] {
  return Object.entries(STATEMENTS).map(([name, statement]) => {
    const version = statement.exec(script)?.[1];
    if (version === undefined) {
      throw new Error(
        `Swagger UI's script does not say its version of ${name}; update scripts/image/page-libraries.ts`,
      );
    }
    return pagePart(name, version);
  });
}

export function pagePart(name: string, version: string): Part {
  return { name, version, purl: `pkg:npm/${name}@${version}` };
}
