import { expect, test } from "bun:test";
import { join } from "node:path";

const GUIDE = join(import.meta.dir, "../../docs/library.md");
/** What stands in the guide, in its order. */
const EXAMPLES = ["loans.ts", "library.ts", "server.ts", "service.ts", "client.ts"];
/** Where an example ends that has more in it for the tests alone. */
const TESTS_ALONE = "\n/** What the compiler has to refuse. */";

test("the guide's examples are those that are installed, compiled and asked", async () => {
  const guide = await Bun.file(GUIDE).text();
  const written = [...guide.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  const tested = EXAMPLES.map(async (name) => {
    const source = await Bun.file(join(import.meta.dir, "consumer", name)).text();
    return source.split(TESTS_ALONE)[0];
  });
  expect(written).toEqual(await Promise.all(tested));
});
