import type { Context } from "hono";
import type { AppEnv } from "../app-env.ts";

/** The address that a request came from, where the runtime says it. */
export function clientAddress(c: Context<AppEnv>): string | undefined {
  // Where an app is asked without a server, as in tests, Hono gives it no `env`.
  return (c.env as AppEnv["Bindings"] | undefined)?.peerAddress;
}
