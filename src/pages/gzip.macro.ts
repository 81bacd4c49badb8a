import style from "swagger-ui-dist/swagger-ui.css" with { type: "text" };
import script from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "text" };

// Macros: the bundler runs these functions and replaces each call with its result
// (https://bun.com/docs/bundler/macros), so the binary holds 0.7 MB instead of 3.7 MB.

/** Swagger UI's script, compressed with gzip, as base64. */
export function gzippedScript(): Promise<string> {
  return gzippedBase64(script);
}

/** Swagger UI's stylesheet, compressed with gzip, as base64. */
export function gzippedStyle(): Promise<string> {
  return gzippedBase64(style);
}

async function gzippedBase64(text: string): Promise<string> {
  const compressed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(compressed).arrayBuffer());
  return bytes.toBase64();
}
