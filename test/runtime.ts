import type { Runtime } from "../src/server/runtime.ts";

/** A runtime that does nothing and serves nothing, except what `given` overrides. */
export function idleRuntime(given: Partial<Runtime> = {}): Runtime {
  return {
    env: {},
    clock: Date.now,
    sha256: (text) => Bun.CryptoHasher.hash("sha256", text, "hex"),
    stdout: () => {},
    stderr: () => {},
    openLog: () => given.stdout ?? (() => {}),
    listen: () => {
      throw new Error("nothing is to be served");
    },
    untilSignal: async () => "SIGTERM",
    onHangup: () => {},
    onCrash: () => {},
    ...given,
  };
}
