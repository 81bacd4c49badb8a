import { type Config, type Environment, parseConfig } from "../../config/config.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Runtime } from "../runtime.ts";
import type { Prepare, SecretReload } from "./reload.ts";
import { readSecretFile } from "./secret-file.ts";
import type { FileContent, FileContents } from "./watch.ts";

/** A configuration, and the files of its secrets. */
type ReadConfig = { config: Config; files: FileContents };

/** Reads the configuration of a process. @throws {ConfigError} with every problem at once. */
export function readConfig(env: Environment): ReadConfig {
  const files = new Map<string, FileContent>();
  const config = parseConfig(env, (path) => {
    const text = readSecretFile(path);
    files.set(path, { text });
    return text;
  });
  return { config, files };
}

type StartOptions = {
  logger: Logger;
  /** The parts that use secrets, in the order in which they apply new ones. */
  parts: readonly Prepare[];
  /** Called after every attempt to read the secrets again. */
  onKeyReload?: (succeeded: boolean) => void;
};

/**
 * Reads secrets again at a SIGHUP and when their files change, from `start` to `stop`. An earlier SIGHUP
 * takes effect at `start`.
 */
export function reloadSecrets(runtime: Runtime, { config, files }: ReadConfig) {
  // In development without files, SIGHUP keeps its usual meaning: the closed terminal ends the service.
  const reloads = files.size > 0 || config.environment !== "development";
  const started = Promise.withResolvers<() => Promise<SecretReload>>();
  let opened: SecretReload | undefined;
  if (reloads) runtime.onHangup(() => void started.promise.then(reloadNow));

  async function reloadNow(open: () => Promise<SecretReload>): Promise<void> {
    const { reload } = await open();
    await reload();
  }

  return {
    async start(options: StartOptions): Promise<void> {
      if (!reloads) return;
      // Loaded where there are files to watch, or at the first SIGHUP: a service answers sooner without it.
      const open = async () => {
        const { createSecretReload } = await import("./reload.ts");
        opened ??= createSecretReload({ env: runtime.env, files, ...options });
        return opened;
      };
      started.resolve(open);
      if (files.size > 0) await open();
    },

    stop(): void {
      opened?.close();
    },
  };
}
