import type { Context, MiddlewareHandler } from "hono";
import { whenKnown } from "../../promises.ts";
import type { AppEnv, ServedRequest } from "../env.ts";
import type { createGate } from "./concurrency.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { createRateLimit } from "./rate-limit.ts";
import { withinTime } from "./request-timeout.ts";

type AdmissionOptions = {
  /** Counts the requests of each client; without it there is no such limit. */
  rateLimit: ReturnType<typeof createRateLimit> | undefined;
  /** Names the client for which a request counts, and notes a wrong key. */
  clientOf: (c: Context<AppEnv>) => string | Promise<string>;
  gate: ReturnType<typeof createGate>;
  budget: MemoryBudget;
  /** How long a request may take. */
  seconds: number;
};

/**
 * Lets a request in within the limits that depend on what else the service has to do: those of its client,
 * of time, and of the requests in flight and their memory. They are one layer, as each layer takes time of its own.
 *
 * @throws {DomainError} `rate_limited`, `overloaded` or `request_timeout`
 */
export function admission(options: AdmissionOptions): MiddlewareHandler<AppEnv> {
  const { rateLimit, clientOf, gate, budget, seconds } = options;

  async function work(
    c: Context<AppEnv>,
    request: ServedRequest,
    next: () => Promise<void>,
  ): Promise<void> {
    const unsent = c.env?.unsent?.() ?? 0;
    budget.requireRoomForAnswer(unsent);
    gate.enter(unsent);
    try {
      await next();
      budget.answered(request.bodyBytes ?? 0);
    } finally {
      gate.leave();
    }
  }

  return function admission(c, next) {
    const request = c.get("request");
    if (!request) throw new TypeError("There is no edge around the admission");
    const serve = () => {
      request.deadline = performance.now() + seconds * 1000;
      return withinTime(work(c, request, next), { seconds, method: c.req.method, request });
    };
    return whenKnown(clientOf(c), (client) => {
      if (!rateLimit) return serve();
      const { standing, refusal } = rateLimit.count(client);
      request.standing = standing;
      if (refusal) throw refusal;
      return serve();
    });
  };
}
