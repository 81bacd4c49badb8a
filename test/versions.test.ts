import { expect, test } from "bun:test";
import { devDependencies, packageManager } from "../package.json";

test("Bun's types are those of the Bun that is pinned", () => {
  expect(packageManager).toBe(`bun@${devDependencies["bun-types"]}`);
});
