// Deploys deploy/swarm/stack.yml to the Docker Swarm of this engine, and waits for it:
//
//   THIMBLE_IMAGE=ghcr.io/OWNER/thimble:1.2.3-standard npm run swarm [-- OPTION OF docker stack deploy...]
//
// It makes a new version of each secret whose file in `secrets` (or SECRETS_DIRECTORY) has changed. It exits with 1 and
// says why if an update was rolled back, which `docker stack deploy` does not. STACK names the stack.
import { join } from "node:path";
import { SERVICE } from "../../src/identity.ts";
import { requireEngine, showDocker } from "../shell/commands.ts";
import { runMain, UsageError } from "../shell/main.ts";
import { type Outcome, settled } from "./progress.ts";
import { requireDeployable } from "./requirements.ts";
import { makeSecrets, removeUnused, versionedName } from "./secrets.ts";
import { servicesOf, tasksOf } from "./swarm.ts";

const ROOT = join(import.meta.dir, "../..");
const STACK_FILE = join(ROOT, "deploy/swarm/stack.yml");
const CADDYFILE = join(ROOT, "deploy/swarm/Caddyfile");

const LOG_LINES = 1000;
const COMPLAINTS = 3;
const LOG_TIMEOUT_MS = 10_000;

async function main(options: readonly string[]): Promise<number> {
  const { STACK: stack = SERVICE.name, SECRETS_DIRECTORY: directory = join(ROOT, "secrets") } =
    process.env;
  const limitMs = readLimitMs(process.env.WAIT_SECONDS);
  await requireEngine();
  await requireDeployable(process.env.THIMBLE_IMAGE, directory);
  const variables = {
    ...(await makeSecrets(stack, directory)),
    CADDYFILE_CONFIG: versionedName(stack, "caddyfile", await Bun.file(CADDYFILE).text()),
  };
  const before = await tasksOf(await servicesOf(stack));
  const deploy = ["stack", "deploy", "--detach=true", "--prune", "--with-registry-auth"];
  const status = await showDocker(
    [...deploy, `--compose-file=${STACK_FILE}`, ...options, stack],
    variables,
  );
  if (status !== 0) return status;
  const outcomes = await settled(stack, { before, limitMs });
  const failed = outcomes.filter(({ state }) => state === "failed");
  for (const each of failed) explain(each);
  if (failed.length > 0) return 1;
  await removeUnused(stack, await servicesOf(stack));
  console.log(`${SERVICE.title} runs ${process.env.THIMBLE_IMAGE} as the stack ${stack}`);
  return 0;
}

function readLimitMs(text = "900"): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text) * 1000;
  throw new UsageError(`WAIT_SECONDS is "${text}"; expected a whole number of seconds from 1`);
}

/** Says what `docker stack deploy` keeps to itself. */
function explain({ service, failed }: Outcome): void {
  console.error(`${SERVICE.name}: ${service.Spec.Name}: ${service.UpdateStatus?.Message}`);
  if (!failed) return;
  console.error(`Its last task that failed: ${failed.error}`);
  const complaints = complaintsOf(failed.id);
  if (complaints !== "") console.error(`It logged:\n${complaints}`);
}

/** The last warnings and errors of a task's log; none if its node does not answer, or if it has never started. */
function complaintsOf(task: string): string {
  const command = ["docker", "service", "logs", "--raw", `--tail=${LOG_LINES}`, task];
  const { stdout, stderr, exitCode } = Bun.spawnSync(command, { timeout: LOG_TIMEOUT_MS });
  const lines = exitCode === 0 ? `${stdout}${stderr}`.trim().split("\n") : [];
  return lines
    .filter((line) => !/"level":"(INFO|DEBUG)"/.test(line))
    .slice(-COMPLAINTS)
    .join("\n");
}

await runMain(() => main(process.argv.slice(2)));
