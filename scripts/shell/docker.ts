import { outputOf } from "./commands.ts";

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
