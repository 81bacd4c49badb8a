import { expect, test } from "bun:test";
import { bundledPackages } from "./bundled-packages.ts";

const NOTHING = { outputs: {}, inputs: {} };
const output = (inputs: Record<string, number>) => ({
  "./bundle.js": {
    bytes: 1,
    imports: [],
    exports: [],
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([path, bytesInOutput]) => [path, { bytesInOutput }]),
    ),
  },
});

test("names a package of which something is left, and none of which nothing is", async () => {
  const packages = await bundledPackages({
    ...NOTHING,
    outputs: output({
      "src/app.ts": 10,
      "node_modules/hono/dist/hono.js": 10,
      "node_modules/hono/dist/context.js": 10,
      "node_modules/@hono/zod-openapi/dist/index.js": 10,
      "node_modules/postgres/src/index.js": 0,
    }),
  });
  expect(packages.map(({ name }) => name)).toEqual(["@hono/zod-openapi", "hono"]);
  for (const { version, license } of packages)
    expect([version, license]).toEqual(
      expect.arrayContaining([expect.stringMatching(/^\d+\./), "MIT"]),
    );
});
