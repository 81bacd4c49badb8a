import { expect, test } from "bun:test";
import { parseArguments } from "./arguments.ts";
import { UsageError } from "./command.ts";

const options = { force: { type: "boolean" }, keep: { type: "string" } } as const;
const parse = (...args: string[]) => parseArguments(args, options);

test("tells options from operands", () => {
  const { values, positionals } = parse("--keep=3", "a.db", "--force", "--", "--b");
  expect({ ...values }).toEqual({ keep: "3", force: true });
  expect(positionals).toEqual(["a.db", "--b"]);
});

test.each([
  { args: ["--forse"], says: "--forse" },
  { args: ["--keep"], says: "--keep" },
  { args: ["--force=yes"], says: "--force" },
])("$args is a wrong use", ({ args, says }) => {
  expect(() => parse(...args)).toThrow(UsageError);
  expect(() => parse(...args)).toThrow(says);
});

test("a defect is none", () => {
  expect(() => parseArguments([], { a: { type: "bool" as never } })).toThrow(TypeError);
});
