import type { Result, Router } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";

/** By then, the router that is made has paid for itself. */
const REQUESTS_BEFORE_SWITCH = 1000;

/**
 * Finds routes with the router of Hono that is ready at once, and from the thousandth request on with its
 * default router, which takes 4 ms to make, and then up to 2 µs less for each request. Both find the same.
 */
export class EarlyRouter<T> implements Router<T> {
  readonly name = "EarlyRouter";
  readonly #routes: Parameters<Router<T>["add"]>[] = [];
  #router: Router<T> = new TrieRouter();
  #requests = 0;

  add(method: string, path: string, handler: T): void {
    this.#routes.push([method, path, handler]);
    this.#router.add(method, path, handler);
  }

  match(method: string, path: string): Result<T> {
    this.#requests += 1;
    if (this.#requests === REQUESTS_BEFORE_SWITCH) this.#switch();
    return this.#router.match(method, path);
  }

  #switch(): void {
    this.#router = new SmartRouter({ routers: [new RegExpRouter(), new TrieRouter()] });
    for (const route of this.#routes) this.#router.add(...route);
  }
}
