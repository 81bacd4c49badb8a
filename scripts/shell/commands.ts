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

/** Runs a Docker command and returns what it prints. @throws {CommandError} */
export async function docker(...args: string[]): Promise<string> {
  return await outputOf("docker", ...args);
}

/** Runs a Docker command whose progress the user sees; returns its exit code. */
export async function showDocker(args: readonly string[], env: Record<string, string> = {}) {
  const child = Bun.spawn(["docker", ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return await child.exited;
}

/** @throws {Error} where no Docker engine answers. */
export async function requireEngine(): Promise<void> {
  const problem = await engineProblem();
  if (problem === undefined) return;
  const advice = problem.includes("permission denied")
    ? "give your user the right to its socket"
    : "start one, or install Docker";
  throw new Error(`no Docker engine answers (${problem}); ${advice}`);
}

async function engineProblem(): Promise<string | undefined> {
  if (Bun.which("docker") === null) return "there is no `docker` command";
  try {
    await docker("version", "--format", "{{.Server.Version}}");
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.split("\n")[0] : String(error);
  }
}
