// Builds both images and tests them as running containers, with Compose too.
//
//   bun run test:container [--built] [OPTION OF bun test]...
//
// With --built it takes the images as they are, RUN:standard and RUN:tiny where THIMBLE_TEST_RUN is RUN,
// and leaves them there.
import { TARGETS } from "../release/tags.ts";
import { requireEngine } from "../shell/commands.ts";
import { runMain } from "../shell/main.ts";
import { testImages } from "./test-images.ts";

async function main(args: readonly string[]): Promise<number> {
  await requireEngine();
  return await testImages({ targets: TARGETS, tests: ["./test/container/"], args });
}

await runMain(() => main(process.argv.slice(2)));
