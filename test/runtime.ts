import type { Runtime } from "../src/server/runtime.ts";

/** A runtime that nothing comes of, and that serves nothing, but for what is given. */
export function idleRuntime(given: Partial<Runtime> = {}): Runtime {
  return {
    env: {},
    clock: Date.now,
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
