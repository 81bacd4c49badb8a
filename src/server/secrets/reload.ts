import { type Config, ConfigError, type Environment, parseConfig } from "../../config/config.ts";
import { describeError, type Logger } from "../../telemetry/logger.ts";
import { type FileContents, readFrom, watchSecretFiles } from "./watch.ts";

/**
 * Checks what a new configuration means to a part of the service, and returns what takes it over.
 *
 * @throws {ConfigError} where that part cannot go on with it; then nothing is taken over by any part.
 */
export type Prepare = (config: Config) => (() => void) | Promise<() => void>;

type ReloadOptions = {
  env: Environment;
  /** The files that secrets came from, as they were then. */
  files: FileContents;
  logger: Logger;
  /** What goes by secrets, in the order in which it takes over new ones. */
  parts: readonly Prepare[];
  /** Is told of every time that secrets were read again, and whether they were taken over. */
  onKeyReload?: ((succeeded: boolean) => void) | undefined;
  /** See {@link watchSecretFiles}. */
  pollMs?: number;
};

export type SecretReload = {
  /** Reads the files again now, and resolves when what they hold is taken over or refused. */
  reload: () => Promise<void>;
  close: () => void;
};

/**
 * Takes secrets over anew when their files change, or when asked to. What cannot work is logged, and
 * changes nothing.
 */
export function createSecretReload(options: ReloadOptions): SecretReload {
  const { env, files, logger, parts, onKeyReload, pollMs } = options;
  let last: Promise<void> = Promise.resolve();

  async function takeOver(contents: FileContents): Promise<void> {
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

  /** One after the other, in the order in which the contents were read. */
  function enqueue(read: () => FileContents | Promise<FileContents>): Promise<void> {
    last = last.then(async () => takeOver(await read()));
    return last;
  }

  const watch = watchSecretFiles({
    known: files,
    onChange: (contents) => void enqueue(() => contents),
    ...(pollMs !== undefined && { pollMs }),
  });

  return {
    reload: () => enqueue(() => watch.read()),
    close: () => watch.close(),
  };
}

function keyCount({ apiKey, apiKeys }: Config): number {
  return apiKeys.length + (apiKey === undefined ? 0 : 1);
}

function describeRefusal(error: unknown) {
  if (error instanceof ConfigError) return { problems: error.problems };
  return describeError(error, { stack: true });
}
