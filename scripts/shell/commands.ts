/** A command that failed; the message is what it said, and which it was. */
export class CommandError extends Error {
  constructor(command: readonly string[], stderr: string) {
    super(`${command.slice(0, 2).join(" ")} failed: ${stderr.trim() || "it said nothing"}`);
    this.name = "CommandError";
  }
}

/** Runs a command, and returns what it prints. @throws {CommandError} */
export async function outputOf(...command: string[]): Promise<string> {
  if (Bun.which(command[0] ?? "") === null) throw new CommandError(command, "it is not installed");
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) throw new CommandError(command, stderr);
  return stdout.trim();
}

/** The same, shown as `set -x` would: a step of a workflow says what it does. @throws {CommandError} */
export async function run(...command: string[]): Promise<string> {
  console.error(`+ ${command.join(" ")}`);
  return await outputOf(...command);
}
