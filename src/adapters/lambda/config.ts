import { tmpdir } from "node:os";
import {
  type Config,
  ConfigError,
  type Environment,
  hasKey,
  parseConfig,
  type ReadFile,
  withoutEmpty,
} from "../../config/config.ts";

/** Defaults for an instance of a function. */
const DEFAULTS = {
  /** The only writable directory. It is lost when the instance ends. */
  DATA_DIR: tmpdir(),
  /** An instance answers one request at a time, and there may be a thousand of them. */
  DATABASE_POOL_SIZE: "1",
};

/** @throws {ConfigError} also without a key in development: instances cannot agree on one. */
export function parseLambdaConfig(environment: Environment, readFile: ReadFile): Config {
  const config = parseConfig({ ...DEFAULTS, ...withoutEmpty(environment) }, readFile);
  if (!hasKey(config)) throw new ConfigError(["API_KEY is required on Lambda"]);
  return config;
}
