import { RUN, tagOf } from "../../test/container/images.ts";
import { buildImage } from "../build/image.ts";
import type { Target } from "../release/tags.ts";
import { docker } from "../shell/commands.ts";
import { removeRun } from "./remove-run.ts";

const CONFIG = "--config=test/container/bunfig.toml";
/** The longest test builds an image twice, from nothing. */
const TIMEOUT = "--timeout=900000";

/** The option with which images are taken as they are: RUN:TARGET where THIMBLE_TEST_RUN is RUN. */
const BUILT = "--built";

type Run = {
  /** The images that the tests need. */
  targets: readonly Target[];
  /** Where the tests are. */
  tests: readonly string[];
  /** Options of `bun test`, and {@link BUILT}. */
  args: readonly string[];
  /** Prepares the engine for the tests, and cleans up after them. */
  around?: (run: () => Promise<number>) => Promise<number>;
};

/**
 * Builds the images, runs tests of them, and removes everything that they made. With {@link BUILT} among the
 * arguments, it takes the images as they are, and leaves them there.
 *
 * @returns the exit code of the build that failed, or of `bun test`.
 */
export async function testImages(run: Run): Promise<number> {
  const { targets, tests, args, around = (inner) => inner() } = run;
  const isBuilt = args.includes(BUILT);
  const kept = isBuilt ? targets.map(tagOf) : [];
  await requireImages(kept);
  try {
    const status = isBuilt ? 0 : await buildImages(targets);
    const options = [...tests, ...args.filter((arg) => arg !== BUILT)];
    const env = { THIMBLE_TEST_BUILT: `${isBuilt}` };
    return status || (await around(() => runTests(options, env)));
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

async function buildImages(targets: readonly Target[]): Promise<number> {
  for (const target of targets) {
    console.log(`building ${target}`);
    const status = await buildImage(target, [tagOf(target)], ["--quiet"]);
    if (status !== 0) return status;
  }
  return 0;
}

async function runTests(args: readonly string[], env: Record<string, string>): Promise<number> {
  const command = [process.execPath, CONFIG, "test", "--no-orphans", TIMEOUT];
  const tests = Bun.spawn([...command, ...args], {
    env: { ...process.env, THIMBLE_TEST_RUN: RUN, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  // The tests get it too, from the terminal; their containers and images must still be removed.
  process.on("SIGINT", () => tests.kill("SIGINT"));
  process.on("SIGTERM", () => tests.kill("SIGTERM"));
  return await tests.exited;
}
