import { tmpdir } from "node:os";
import {
  type Config,
  ConfigError,
  type Environment,
  parseConfig,
  type ReadFile,
  withoutEmpty,
} from "../config.ts";

export type LambdaConfig = Config & { apiKey: string };

/** What suits an instance of a function where a variable is not set. */
const DEFAULTS = {
  /** The one directory that can be written. It lasts as long as the instance does. */
  DATA_DIR: tmpdir(),
  /** An instance answers one request at a time, and there may be a thousand of them. */
  DATABASE_POOL_SIZE: "1",
};

/** @throws {ConfigError} also without an API_KEY in development: instances cannot agree on one. */
export function parseLambdaConfig(environment: Environment, readFile: ReadFile): LambdaConfig {
  const config = parseConfig({ ...DEFAULTS, ...withoutEmpty(environment) }, readFile);
  const { apiKey } = config;
  if (apiKey === undefined) throw new ConfigError(["API_KEY is required on Lambda"]);
  return { ...config, apiKey };
}
