// Builds both images and tests them as running containers, with Compose too.
//
//   bun run test:container [OPTION OF bun test]...
import { LABEL, TARGETS, tagOf } from "../test/container/images.ts";
import { buildImage } from "./build-image.ts";
import { docker, requireEngine } from "./docker.ts";

const TESTS = "./test/container/";
const CONFIG = "--config=test/container/bunfig.toml";
/** The longest test builds an image twice, from nothing. */
const TIMEOUT = "--timeout=900000";

/** What a run that was interrupted left behind. */
async function removeLeftovers(): Promise<void> {
  const containers = await docker("ps", "--all", "--quiet", `--filter=label=${LABEL}`);
  if (containers) await docker("rm", "--force", "--volumes", ...containers.split("\n"));
  const volumes = await docker("volume", "ls", "--quiet", `--filter=label=${LABEL}`);
  if (volumes) await docker("volume", "rm", ...volumes.split("\n"));
}

async function main(options: readonly string[]): Promise<number> {
  await requireEngine();
  await removeLeftovers();
  for (const target of TARGETS) {
    console.log(`building ${tagOf(target)}`);
    const status = await buildImage(target, [tagOf(target)], ["--quiet"]);
    if (status !== 0) return status;
  }
  const tests = Bun.spawn([process.execPath, CONFIG, "test", TIMEOUT, TESTS, ...options], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  return await tests.exited;
}

process.exit(await main(process.argv.slice(2)));
