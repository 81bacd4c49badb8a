import { docker, run } from "../shell/commands.ts";

const DEADLINE_MS = 60_000;
const INTERVAL_MS = 200;

/** What docs/containers.md promises that an image runs under. */
export const HARDENED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"];

/**
 * Runs an image as a user would, until its own health check passes and /health says that it is healthy.
 *
 * @returns what /health says.
 * @throws {Error} with the container's log, where that takes longer than a minute.
 */
export async function checkAnswers(image: string): Promise<{ status: string; version: string }> {
  const environment = [`--env=API_KEY=${crypto.randomUUID()}`, "--env=DATABASE_URL=memory:"];
  const publish = ["--detach", "--publish=127.0.0.1::5000"];
  const id = await run("docker", "run", ...publish, ...HARDENED, ...environment, image);
  try {
    await healthy(id);
    const [address] = (await run("docker", "port", id, "5000")).split("\n");
    const response = await fetch(`http://${address}/health`);
    const health = await response.json();
    if (health.status !== "healthy") throw new Error(`/health says ${JSON.stringify(health)}`);
    return health;
  } finally {
    await run("docker", "rm", "--force", "--volumes", id);
  }
}

async function healthy(id: string): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  const format = "--format={{.State.Status}} {{.State.Health.Status}}";
  for (;;) {
    const state = await docker("inspect", format, id);
    if (state === "running healthy") return;
    if (!state.startsWith("running") || Date.now() > deadline) {
      const log = Bun.spawnSync(["docker", "logs", id]);
      throw new Error(`the container is ${state}; it logged:\n${log.stdout}${log.stderr}`);
    }
    await Bun.sleep(INTERVAL_MS);
  }
}
