import { RATE_LIMIT_HEADERS } from "../middleware/rate-limit.ts";
import { REQUEST_ID_HEADER } from "./request-id.ts";
import type { Finish } from "./step.ts";

/**
 * Sets the header fields of every answer that depend on its request.
 *
 * @param isLeaving while it returns true, each answer is its connection's last one (RFC 9112 section 9.6). So the
 * client's next request goes to another instance, and never to a connection that will close.
 */
export function answerHeaders(isLeaving: () => boolean): Finish {
  return function answerHeaders(c, { id, standing, isLast }) {
    const { headers } = c.res;
    headers.set(REQUEST_ID_HEADER, id);
    if (standing) {
      headers.set(RATE_LIMIT_HEADERS.policy, standing.policy);
      headers.set(RATE_LIMIT_HEADERS.left, standing.left());
    }
    if (isLast || isLeaving()) headers.set("Connection", "close");
  };
}
