import { SERVICE } from "../identity.ts";
import type { Runtime } from "../server/runtime.ts";

/** One command of the program. */
export type Command = {
  name: string;
  /** What follows the name, a line for each way to call it. Left out where it takes no arguments. */
  usage?: readonly string[];
  /** One line in the list of commands. */
  summary: string;
  /** What `NAME --help` says of its arguments. */
  details?: string;
  /**
   * Runs it to its exit code. It loads what it needs when it is called, so that no command loads what
   * only another one needs.
   *
   * @throws {UsageError} that is answered with the usage of this command.
   */
  run: (args: readonly string[], runtime: Runtime) => number | Promise<number>;
};

/** The arguments of a command are wrong; the message says how. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** How a command is called, a line for each way, and what it does. */
export function describeCommand(command: Command): string {
  const { summary, details } = command;
  return [usageOf(command), "", `  ${summary}`, ...(details ? ["", details] : [])].join("\n");
}

/** How a command is called, a line for each way. */
export function usageOf({ name, usage = [""] }: Command): string {
  const lines = usage.map((rest) => `${SERVICE.name} ${name} ${rest}`.trimEnd());
  return `Usage: ${lines.join("\n       ")}`;
}

/** How the program is called, and each of its commands in a line. */
export function describeProgram(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: ${SERVICE.name} [COMMAND]

${lines.join("\n")}

"${SERVICE.name} help COMMAND" says more of one, "${SERVICE.name} help variables" of the environment variables.`;
}
