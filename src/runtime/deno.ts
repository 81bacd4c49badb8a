import { runProgram } from "./program.ts";
import type { Fetch, ListenOptions, Server } from "./runtime.ts";

/** The part of Deno's own API that is used here (https://docs.deno.com/api/deno/~/Deno.serve). */
declare const Deno: {
  serve(
    options: { hostname: string; port: number; onListen: () => void },
    handler: Fetch,
  ): { addr: { port: number }; shutdown(): Promise<void> };
};

function listen(fetch: Fetch, { host, port }: ListenOptions): Server {
  const server = Deno.serve({ hostname: host, port, onListen: () => {} }, fetch);
  return { port: server.addr.port, stop: () => server.shutdown() };
}

await runProgram(listen);
