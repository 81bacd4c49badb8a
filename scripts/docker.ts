/** A Docker command that failed; the message is what it said. */
export class DockerError extends Error {
  constructor(args: readonly string[], stderr: string) {
    super(stderr.trim() || `docker ${args.join(" ")} failed`);
    this.name = "DockerError";
  }
}

/** Runs a Docker command and returns what it prints. @throws {DockerError} */
export async function docker(...args: string[]): Promise<string> {
  const child = Bun.spawn(["docker", ...args], { stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) throw new DockerError(args, stderr);
  return stdout.trim();
}

/** Runs a Docker command whose progress the user sees; returns its exit code. */
export async function showDocker(args: readonly string[], env: Record<string, string> = {}) {
  const child = Bun.spawn(["docker", ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return await child.exited;
}

/** Ends this process with one clear line where no Docker engine answers. */
export async function requireEngine(): Promise<void> {
  const problem = await engineProblem();
  if (problem === undefined) return;
  console.error(`thimble: no Docker engine answers (${problem}); start one, or install Docker`);
  process.exit(1);
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
