/** The part of it that is used here (https://developers.cloudflare.com/workers/runtime-apis/context/). */
declare module "cloudflare:workers" {
  /** Keeps the current request's connections until the promise settles, though the answer is sent. */
  export function waitUntil(promise: Promise<unknown>): void;
}
