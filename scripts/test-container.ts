// Builds both images and tests them as running containers, with Compose too.
//
//   bun run test:container [OPTION OF bun test]...
import { RUN, TARGETS, tagOf } from "../test/container/images.ts";
import { buildImage } from "./build-image.ts";
import { docker, requireEngine } from "./docker.ts";

const CONFIG = "--config=test/container/bunfig.toml";
/** The longest test builds an image twice, from nothing. */
const TIMEOUT = "--timeout=900000";

async function main(options: readonly string[]): Promise<number> {
  await requireEngine();
  try {
    return (await buildImages()) || (await runTests(options));
  } finally {
    await removeAll();
  }
}

async function buildImages(): Promise<number> {
  for (const target of TARGETS) {
    console.log(`building ${target}`);
    const status = await buildImage(target, [tagOf(target)], ["--quiet"]);
    if (status !== 0) return status;
  }
  return 0;
}

async function runTests(options: readonly string[]): Promise<number> {
  const command = [process.execPath, CONFIG, "test", "--no-orphans", TIMEOUT];
  const tests = Bun.spawn([...command, "./test/container/", ...options], {
    env: { ...process.env, THIMBLE_TEST_RUN: RUN },
    stdio: ["ignore", "inherit", "inherit"],
  });
  // The tests get it too, from the terminal; what they leave behind is still to be removed.
  process.on("SIGINT", () => tests.kill("SIGINT"));
  process.on("SIGTERM", () => tests.kill("SIGTERM"));
  return await tests.exited;
}

async function removeAll(): Promise<void> {
  for (const label of [RUN, `com.docker.compose.project=${RUN}`]) {
    const labelled = `--filter=label=${label}`;
    await removeEach(["ps", "--all", "--quiet", labelled], ["rm", "--force", "--volumes"]);
    await removeEach(["volume", "ls", "--quiet", labelled], ["volume", "rm"]);
    await removeEach(["network", "ls", "--quiet", labelled], ["network", "rm"]);
  }
  // By name, for a user's image may have the same content.
  const names = ["image", "ls", "--format={{.Repository}}:{{.Tag}}", `--filter=reference=${RUN}*`];
  await removeEach(names, ["image", "rm"]);
}

async function removeEach(list: readonly string[], remove: readonly string[]): Promise<void> {
  const found = (await docker(...list)).split("\n").filter((name) => !/^$|<none>/.test(name));
  if (found.length > 0) await docker(...remove, ...found);
}

process.exit(await main(process.argv.slice(2)));
