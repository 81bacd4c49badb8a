import { expect, test } from "bun:test";
import wrangler from "wrangler/package.json";
import { devDependencies, packageManager } from "../package.json";

test("Bun's types are those of the Bun that is pinned", () => {
  expect(packageManager).toBe(`bun@${devDependencies["bun-types"]}`);
});

test("the miniflare that tests run on is the one of the Wrangler that is pinned", () => {
  expect(devDependencies.wrangler).toBe(wrangler.version);
  expect(devDependencies.miniflare).toBe(wrangler.dependencies.miniflare);
});
