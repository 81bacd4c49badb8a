import { expect, test } from "bun:test";
import { join } from "node:path";

const GUIDE = join(import.meta.dir, "../../docs/library.md");
/** The examples of the guide, in its order. */
const EXAMPLES = ["loans.ts", "library.ts", "server.ts", "service.ts", "client.ts"];
/** Marks the end of an example; the rest of the file is only for tests. */
const TESTS_ALONE = "\n/** The compiler must refuse these. */";

test("the guide's examples are the tested ones", async () => {
  const guide = await Bun.file(GUIDE).text();
  const written = [...guide.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  const tested = EXAMPLES.map(async (name) => {
    const source = await Bun.file(join(import.meta.dir, "consumer", name)).text();
    return source.split(TESTS_ALONE)[0];
  });
  expect(written).toEqual(await Promise.all(tested));
});
