import { RATE_LIMIT_HEADERS } from "../middleware/rate-limit.ts";
import { REQUEST_ID_HEADER } from "./request-id.ts";
import type { Finish } from "./step.ts";

/** The header fields of every answer that depend on its request. */
export const answerHeaders: Finish = (c, { id, standing, isLast }) => {
  const { headers } = c.res;
  headers.set(REQUEST_ID_HEADER, id);
  if (standing) {
    headers.set(RATE_LIMIT_HEADERS.policy, standing.policy);
    headers.set(RATE_LIMIT_HEADERS.left, standing.left());
  }
  if (isLast) headers.set("Connection", "close");
};
