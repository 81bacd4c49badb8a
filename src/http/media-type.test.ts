import { describe, expect, test } from "bun:test";
import { parseMediaType } from "./media-type.ts";

const parse = (text: string) => {
  const { type, subtype, parameters } = parseMediaType(text) ?? {};
  return type && [`${type}/${subtype}`, Object.fromEntries(parameters ?? [])];
};

const JSON_TYPE = "application/json";
const UTF_8 = { charset: "utf-8" };

const PARSED: [text: string, type: string, parameters: Record<string, string>][] = [
  ["application/json", JSON_TYPE, {}],
  ["Application/JSON", JSON_TYPE, {}],
  [" application/json\t", JSON_TYPE, {}],
  ["application/json;charset=utf-8", JSON_TYPE, UTF_8],
  ["application/json ; charset=utf-8", JSON_TYPE, UTF_8],
  ["application/json\t;\tcharset=utf-8 ", JSON_TYPE, UTF_8],
  ["application/json;", JSON_TYPE, {}],
  ["application/json;charset=utf-8;", JSON_TYPE, UTF_8],
  ["application/json;; ;charset=utf-8", JSON_TYPE, UTF_8],
  ['application/json; CharSet="utf-8"', JSON_TYPE, UTF_8],
  ["application/json;charset=UTF-8", JSON_TYPE, { charset: "UTF-8" }],
  ["application/json;charset=utf-8;charset=latin1", JSON_TYPE, UTF_8],
  ["application/json;odata.metadata=minimal", JSON_TYPE, { "odata.metadata": "minimal" }],
  ['application/json;profile="a;b"', JSON_TYPE, { profile: "a;b" }],
  ['application/json;profile="a\\"\\\\;b";v=1', JSON_TYPE, { profile: 'a"\\;b', v: "1" }],
  ['application/json;profile=""', JSON_TYPE, { profile: "" }],
  ["application/vnd.example.v1+json", "application/vnd.example.v1+json", {}],
  ["text/plain", "text/plain", {}],
];

for (const [text, type, parameters] of PARSED) {
  test(`${JSON.stringify(text)} is ${type}`, () => {
    expect(parse(text)).toEqual([type, parameters]);
  });
}

describe("malformed is", () => {
  for (const text of [
    "",
    "json",
    "application",
    "application/",
    "/json",
    "application /json",
    "application/ json",
    "application/json charset=utf-8",
    "application/json, application/json",
    "application/json;charset",
    "application/json;charset=",
    "application/json;=utf-8",
    "application/json;charset =utf-8",
    "application/json;charset= utf-8",
    'application/json;profile="a',
    'application/json;profile=a"',
    'application/json;profile="a"b',
    'application/json;profile="a\u0000"',
    "application/json;charset=utf-8 x",
    "application/js\u00f6n",
  ]) {
    test(JSON.stringify(text), () => {
      expect(parse(text)).toBeUndefined();
    });
  }
});

test("a long header is read in one pass", () => {
  expect(parse(`application/json${";".repeat(100_000)}`)).toEqual([JSON_TYPE, {}]);
  expect(parse(`application/json;a="${"\\".repeat(100_001)}`)).toBeUndefined();
});
