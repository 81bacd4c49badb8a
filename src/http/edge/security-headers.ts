import type { Finish } from "./step.ts";

/** Answers that are not pages may load nothing, and no page may frame them. */
const API_POLICY = "default-src 'none'; frame-ancestors 'none'";

/**
 * Two of them do nothing for today's browsers: they ignore Strict-Transport-Security over plain HTTP (RFC
 * 6797 section 8.1), and X-XSS-Protection always. They are on every answer all the same, because
 * clients of the API that this service took over from check them.
 */
export const SECURITY_HEADERS = {
  "Content-Security-Policy": API_POLICY,
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "X-XSS-Protection": "1; mode=block",
  "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
};

const ENTRIES = Object.entries(SECURITY_HEADERS);

/** Answers of this service itself are made with all of them (see answer.ts), and nobody else sets this one so. */
const MARK = "X-XSS-Protection";

/**
 * Sets the security headers of every answer that lacks them. A page may set its own
 * Content-Security-Policy, which is kept.
 *
 * @see https://owasp.org/www-project-secure-headers/
 */
export const securityHeaders: Finish = (c) => {
  const { headers } = c.res;
  if (headers.get(MARK) === SECURITY_HEADERS[MARK]) return;
  const pagePolicy = headers.get("Content-Security-Policy");
  for (const [name, value] of ENTRIES) headers.set(name, value);
  if (pagePolicy !== null) headers.set("Content-Security-Policy", pagePolicy);
};
