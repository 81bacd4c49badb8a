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
    const unknown = code.endsWith("UNKNOWN_OPTION")
      ? /'([^']+)'/.exec(message ?? "")?.[1]
      : undefined;
    throw new UsageError(unknown === undefined ? message : unknownOption(unknown, options));
  }
}

function unknownOption(given: string, options: ParseArgsOptionsConfig): string {
  const known = Object.keys(options).map((name) => `--${name}`);
  return `unknown option ${given}; ${known.length > 0 ? `there are ${known.join(", ")}` : "it takes none"}`;
}

/** The one argument of `backup` and `restore`. @throws {UsageError} */
export function onlyPath([path, ...others]: readonly string[]): string {
  if (!path || others.length > 0) throw new UsageError("expected one FILE, or one DIRECTORY");
  return path;
}
