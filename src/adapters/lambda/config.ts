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

const MEMORY_ONLY =
  "RATE_LIMIT_STORE must be memory on Lambda; limit all instances together with throttling of API Gateway";

/**
 * @throws {ConfigError} also without a key in development, because instances cannot agree on one, and for
 * limits that they would count together, because an instance stands still between requests.
 */
export function parseLambdaConfig(environment: Environment, readFile: ReadFile): Config {
  const config = parseConfig({ ...DEFAULTS, ...withoutEmpty(environment) }, readFile);
  if (!hasKey(config)) throw new ConfigError(["API_KEY is required on Lambda"]);
  if (config.rateLimitStore === "database") throw new ConfigError([MEMORY_ONLY]);
  return config;
}
