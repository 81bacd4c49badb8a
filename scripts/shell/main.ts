import { SERVICE } from "../../src/identity.ts";

/** After sysexits.h. */
const EXIT_USAGE = 64;

/** Arguments that a script does not take; the message says what it expects. */
export class UsageError extends Error {}

/**
 * Runs the main function of a script, whose exit code is what it returns, or 0. What it throws becomes one
 * line and exit code 1, or 64 for a {@link UsageError}; what a build failed of is shown before that line.
 */
export async function runMain(
  main: (() => void | Promise<void>) | (() => number | Promise<number>),
): Promise<void> {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (error instanceof AggregateError) for (const each of error.errors) console.error(each);
    console.error(`${SERVICE.name}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = error instanceof UsageError ? EXIT_USAGE : 1;
  }
}
