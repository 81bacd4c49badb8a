import { secureHeaders } from "hono/secure-headers";

/** The Content-Security-Policy of everything that is not a page: nothing may load, nothing may frame. */
const API_POLICY = { defaultSrc: ["'none'"], frameAncestors: ["'none'"] };

/**
 * The security headers of every response. A page that needs more than the API's
 * Content-Security-Policy sets its own, which is kept.
 */
export function securityHeaders() {
  return secureHeaders({
    xFrameOptions: "DENY",
    xXssProtection: "1; mode=block",
    strictTransportSecurity: "max-age=31536000; includeSubDomains",
    referrerPolicy: "no-referrer",
    contentSecurityPolicy: API_POLICY,
    permissionsPolicy: { camera: [], geolocation: [], microphone: [], payment: [], usb: [] },
    overwrite: false,
  });
}
