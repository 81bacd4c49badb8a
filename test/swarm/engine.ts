import { outputOf } from "../../scripts/shell/commands.ts";

/** A node's engine. Its address is as in DOCKER_HOST; without one, it is the engine of this machine. */
export type Engine = ReturnType<typeof engineAt>;

export function engineAt(address?: string) {
  const command = ["docker", ...(address === undefined ? [] : [`--host=${address}`])];
  const docker = (...args: string[]) => outputOf(...command, ...args);
  return {
    docker,
    /** What a command lists, a line each. */
    list: async (...args: string[]) => (await docker(...args)).split("\n").filter(Boolean),
    /** For programs that call `docker`. */
    env: address === undefined ? {} : { DOCKER_HOST: address },
  };
}
