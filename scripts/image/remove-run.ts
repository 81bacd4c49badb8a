import { RUN } from "../../test/container/images.ts";
import { docker } from "../shell/commands.ts";

/** Removes all containers, volumes, networks and images of a test run, except the images to be kept. */
export async function removeRun(kept: readonly string[] = []): Promise<void> {
  const made = ["com.docker.compose.project", "com.docker.stack.namespace"];
  for (const label of [RUN, ...made.map((each) => `${each}=${RUN}`)]) {
    const labelled = `--filter=label=${label}`;
    await removeEach(["ps", "--all", "--quiet", labelled], ["rm", "--force", "--volumes"]);
    await removeEach(["volume", "ls", "--quiet", labelled], ["volume", "rm"]);
    await removeEach(["network", "ls", "--quiet", labelled], ["network", "rm"]);
  }
  // By name, for a user's image may have the same content.
  const names = ["image", "ls", "--format={{.Repository}}:{{.Tag}}", `--filter=reference=${RUN}*`];
  await removeEach(names, ["image", "rm"], kept);
}

async function removeEach(
  list: readonly string[],
  remove: readonly string[],
  kept: readonly string[] = [],
): Promise<void> {
  const found = (await docker(...list)).split("\n").filter((name) => !/^$|<none>/.test(name));
  const others = found.filter((name) => !kept.includes(name));
  if (others.length > 0) await docker(...remove, ...others);
}
