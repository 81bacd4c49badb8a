import type { MiddlewareHandler } from "hono";
import { withDeadline } from "../deadline.ts";
import { DomainError } from "../errors.ts";

/** @throws {DomainError} `request_timeout` when the answer takes longer than `seconds`. */
export function requestTimeout(seconds: number): MiddlewareHandler {
  return function requestTimeout(_c, next) {
    return withDeadline(next(), seconds * 1000, () => {
      throw new DomainError("request_timeout", `No answer was ready within ${seconds} s.`);
    });
  };
}
