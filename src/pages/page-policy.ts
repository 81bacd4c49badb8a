/** A policy for a page that may use only this style and this script, and send requests only to this service. */
export async function pagePolicy({ style, script }: { style: string; script: string }) {
  return [
    "default-src 'none'",
    `script-src '${await sourceHash(script)}'`,
    `style-src '${await sourceHash(style)}'`,
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** What a Content-Security-Policy permits a style or a script of a page by (CSP Level 3, hash sources). */
async function sourceHash(source: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(source));
  return `sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
}
