import { expect, test } from "bun:test";
import { missingTools } from "./machine.ts";

test("a missing tool is named, with the package that has it", () => {
  expect(missingTools((tool) => tool !== "wrk")).toContain("Debian's package wrk has it");
});
