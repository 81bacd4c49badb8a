import { expect, test } from "bun:test";
import { requireMachine } from "./machine.ts";

const has = (tool: string) => tool !== "wrk";

test("a missing tool is named, with the package that has it", () => {
  expect(() => requireMachine(["taskset", "wrk"], has)).toThrow("install Debian's package wrk");
});

test("a tool that the benchmark does not use is not asked for", () => {
  requireMachine(["taskset", "tar", "nice"], has);
});
