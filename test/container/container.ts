import { join } from "node:path";
import { HARDENED } from "../../scripts/image/check-answers.ts";
import { copyFromImage } from "../../scripts/image/files.ts";
import type { Target } from "../../scripts/release/tags.ts";
import { docker } from "../../scripts/shell/commands.ts";
import { inTemporaryDirectory, UNLIMITED, until as within } from "../service.ts";
import { type Arm64Image, MEMORY, RUN, tagOf } from "./images.ts";

export const API_KEY = "0123456789abcdef-container";

const UNLIMITED_OPTIONS = Object.entries(UNLIMITED).map(
  ([name, value]) => `--env=${name}=${value}`,
);

const DEADLINE_MS = 60_000;

export type Container = Awaited<ReturnType<typeof startContainer>>;

type Scheme = "http" | "https";

/** Starts a hardened container of an image, and waits until it answers. */
export async function startContainer(
  image: Target | Arm64Image,
  options: readonly string[] = [],
  scheme: Scheme = "http",
) {
  const id = await docker(
    ...["run", "--detach", `--label=${RUN}`, "--publish=127.0.0.1::5000"],
    ...[`--env=API_KEY=${API_KEY}`, ...UNLIMITED_OPTIONS, `--memory=${MEMORY[image]}`],
    ...[...HARDENED, ...options],
    tagOf(image),
  );
  const container = controlContainer(id, scheme);
  await container.answering();
  return container;
}

/** A handle on a container that publishes port 5000. */
export function controlContainer(id: string, scheme: Scheme = "http") {
  const url = async () => `${scheme}://${(await docker("port", id, "5000")).split("\n")[0]}`;
  const ask = async (path: string, init?: RequestInit) =>
    fetch((await url()) + path, { ...init, tls: { rejectUnauthorized: false } });
  return {
    id,
    url,
    apiKey: API_KEY,
    fetch: ask,
    inspect: (format: string) => docker("inspect", `--format=${format}`, id),
    start: () => docker("start", id),
    signal: (name: string) => docker("kill", `--signal=${name}`, id),
    /** Resolves with the exit code. */
    exited: async () => Number(await docker("wait", id)),
    /** Its output on both streams. */
    logs: () => logsOf(id),
    answering: () => until(`${id} answers`, async () => (await ask("/ready")).ok),
    healthIs: (health: string) =>
      within(`${id} is ${health}`, async () => (await healthOf(id)) === health, DEADLINE_MS),
    logged: (text: string) =>
      within(`${id} logs "${text}"`, () => logsOf(id).includes(text), DEADLINE_MS),
    remove: () => docker("rm", "--force", "--volumes", id),
  };
}

/** Runs a container to its end, with any exit code. */
export async function runToEnd(image: Target | Arm64Image, options: string[], args: string[] = []) {
  const command = ["run", "--rm", `--label=${RUN}`, ...HARDENED, ...options, tagOf(image)];
  const child = Bun.spawn(["docker", ...command, ...args], { stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, status };
}

/** One text file of an image. */
export function readImageFile(image: string, path: string): Promise<string> {
  return inTemporaryDirectory(async (directory) => {
    const copy = join(directory, "file");
    await copyFromImage(image, { [path]: copy });
    return await Bun.file(copy).text();
  });
}

function healthOf(id: string): Promise<string> {
  return docker("inspect", "--format={{.State.Health.Status}}", id);
}

function logsOf(id: string): string {
  const { stdout, stderr } = Bun.spawnSync(["docker", "logs", id]);
  return `${stdout}${stderr}`;
}

/** Waits up to a minute; errors while the service is not up yet count as "no". */
export function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  return within(what, () => isSo().catch(() => false), DEADLINE_MS);
}
