// Builds both images and tests them as running containers, with Compose too.
//
//   bun run test:container [--built] [OPTION OF bun test]...
//
// With --built it takes the images as they are, RUN:standard and RUN:tiny where THIMBLE_TEST_RUN is RUN,
// and leaves them there.
import { RUN, tagOf } from "../../test/container/images.ts";
import { buildImage } from "../build/image.ts";
import { TARGETS } from "../release/tags.ts";
import { docker, requireEngine } from "../shell/commands.ts";
import { runMain } from "../shell/main.ts";
import { removeRun } from "./remove-run.ts";

const CONFIG = "--config=test/container/bunfig.toml";
/** The longest test builds an image twice, from nothing. */
const TIMEOUT = "--timeout=900000";

const BUILT = "--built";

async function main(args: readonly string[]): Promise<number> {
  await requireEngine();
  const kept = args.includes(BUILT) ? TARGETS.map(tagOf) : [];
  await requireImages(kept);
  try {
    const built = kept.length > 0 ? 0 : await buildImages();
    const options = args.filter((arg) => arg !== BUILT);
    return built || (await runTests(options, { THIMBLE_TEST_BUILT: `${kept.length > 0}` }));
  } finally {
    await removeRun(kept);
  }
}

async function requireImages(images: readonly string[]): Promise<void> {
  for (const image of images) {
    if ((await docker("image", "ls", "--quiet", image)) !== "") continue;
    throw new Error(`there is no image ${image}; build it, or leave out ${BUILT}`);
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

async function runTests(options: readonly string[], env: Record<string, string>): Promise<number> {
  const command = [process.execPath, CONFIG, "test", "--no-orphans", TIMEOUT];
  const tests = Bun.spawn([...command, "./test/container/", ...options], {
    env: { ...process.env, THIMBLE_TEST_RUN: RUN, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  // The tests get it too, from the terminal; their containers and images must still be removed.
  process.on("SIGINT", () => tests.kill("SIGINT"));
  process.on("SIGTERM", () => tests.kill("SIGTERM"));
  return await tests.exited;
}

await runMain(() => main(process.argv.slice(2)));
