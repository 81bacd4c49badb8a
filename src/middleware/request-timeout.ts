import type { MiddlewareHandler } from "hono";
import { DomainError } from "../errors.ts";

/** @throws {DomainError} `request_timeout` when the answer takes longer than `seconds`. */
export function requestTimeout(seconds: number): MiddlewareHandler {
  return async function requestTimeout(_c, next) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const expiry = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new DomainError("request_timeout", `No answer was ready within ${seconds} s.`));
      }, seconds * 1000);
    });
    try {
      await Promise.race([next(), expiry]);
    } finally {
      clearTimeout(timer);
    }
  };
}
