import { expect, test } from "bun:test";
import { contractResults } from "./contract.ts";

const suite = (name: string, counts: string) =>
  `<testsuite name="${name}" file="test/a.test.ts" line="1" ${counts} time="0" hostname="vm">`;

test("finds the contract's suites by runtime and store, and what passed there", () => {
  const report = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    suite("test/a.test.ts", 'tests="30" assertions="1" failures="0" skipped="0"'),
    suite(
      "Bun, compiled, SQLite: HTTP contract",
      'tests="12" assertions="9" failures="1" skipped="2"',
    ),
    suite("landing", 'tests="6" assertions="28" failures="0" skipped="0"'),
    suite("Node, memory: HTTP contract", 'tests="12" assertions="9" failures="0" skipped="0"'),
  ].join("\n");
  expect(contractResults(report)).toEqual([
    { runtime: "Bun, compiled", store: "SQLite", cases: 12, passed: 9, skipped: 2 },
    { runtime: "Node", store: "memory", cases: 12, passed: 12, skipped: 0 },
  ]);
});
