import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { UsageError } from "./command.ts";

/**
 * Parses the arguments of a command: its options, and words in any place, at most so many.
 *
 * @throws {UsageError} that names the argument that is unknown or missing.
 */
export function parseArguments<const T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T = {} as T,
  mostWords = Number.POSITIVE_INFINITY,
) {
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true });
    const unexpected = parsed.positionals[mostWords];
    if (unexpected !== undefined) throw new UsageError(`unexpected argument: ${unexpected}`);
    return parsed;
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: string };
    if (typeof code !== "string" || !code.startsWith("ERR_PARSE_ARGS_")) throw error;
    throw new UsageError(message);
  }
}

/** The one argument of `backup` and `restore`. @throws {UsageError} */
export function onlyPath([path, ...others]: readonly string[]): string {
  if (!path || others.length > 0) throw new UsageError("expected one FILE, or one DIRECTORY");
  return path;
}
