import { type Config, ConfigError, type Environment, parseConfig } from "../../config/config.ts";
import { describeError, type Logger } from "../../telemetry/logger.ts";
import { type FileContents, readFrom, watchSecretFiles } from "./watch.ts";

/**
 * Checks a new configuration for one part of the service, and returns a function that applies it.
 *
 * @throws {ConfigError} where that part cannot use it. Then no part applies it.
 */
export type Prepare = (config: Config) => (() => void) | Promise<() => void>;

type ReloadOptions = {
  env: Environment;
  /** The files of the secrets in use, as they were read. */
  files: FileContents;
  logger: Logger;
  /** The parts that use secrets, in the order in which they apply new ones. */
  parts: readonly Prepare[];
  /** Called after every attempt to read the secrets again. */
  onKeyReload?: ((succeeded: boolean) => void) | undefined;
  /** See {@link watchSecretFiles}. */
  pollMs?: number;
};

export type SecretReload = ReturnType<typeof createSecretReload>;

/**
 * Applies secrets when their files change, and on request. An invalid configuration is logged, and changes
 * nothing.
 */
export function createSecretReload(options: ReloadOptions) {
  const { env, files, logger, parts, onKeyReload, pollMs } = options;
  let last: Promise<void> = Promise.resolve();

  async function apply(contents: FileContents): Promise<void> {
    try {
      const config = parseConfig(env, readFrom(contents));
      const changes = [];
      for (const prepare of parts) changes.push(await prepare(config));
      for (const change of changes) change();
      logger.info("secrets reloaded", { keys: keyCount(config) });
      onKeyReload?.(true);
    } catch (error) {
      logger.error("secrets not reloaded", describeRefusal(error));
      onKeyReload?.(false);
    }
  }

  /** One at a time, in the order in which the contents were read. */
  function enqueue(read: () => FileContents | Promise<FileContents>): Promise<void> {
    last = last.then(async () => apply(await read()));
    return last;
  }

  const watch = watchSecretFiles({
    known: files,
    onChange: (contents) => void enqueue(() => contents),
    ...(pollMs !== undefined && { pollMs }),
  });

  return {
    /** Reads the files again now, and resolves when their contents are applied or refused. */
    reload: () => enqueue(watch.read),
    close: watch.close,
  };
}

function keyCount({ apiKey, apiKeys }: Config): number {
  return apiKeys.length + (apiKey === undefined ? 0 : 1);
}

function describeRefusal(error: unknown) {
  if (error instanceof ConfigError) return { problems: error.problems };
  return describeError(error, { stack: true });
}
