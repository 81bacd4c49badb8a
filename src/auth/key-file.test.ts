import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SCOPES } from "../../test/example/service.ts";
import { parseKeyFile } from "./key-file.ts";

const HEX = "0123456789abcdef".repeat(4);
const DIGEST = `sha256:${HEX}`;
const other = (digit: string) => `sha256:${digit.repeat(64)}`;
const keyOf = (line: string) => {
  const { keys, problems } = parseKeyFile(line, SCOPES);
  expect(problems).toEqual([]);
  expect(keys).toHaveLength(1);
  return keys[0];
};

describe("a line is a key", () => {
  test("with a name, scopes and a digest", () => {
    expect(keyOf(`ci books:write,process ${DIGEST}`)).toEqual({
      name: "ci",
      scopes: ["books:write", "process"],
      digest: HEX,
    });
  });

  test.each([
    ["capital digits", `ci process sha256:${HEX.toUpperCase()}`],
    ["tabs and spaces", `\t ci \t process   ${DIGEST}\t`],
    ["the line end of Windows", `ci process ${DIGEST}\r`],
    ["a comment after it", `ci process ${DIGEST} # of the build`],
    ["a byte order mark", `\ufeffci process ${DIGEST}`],
    ["a scope that is named twice", `ci process,process ${DIGEST}`],
  ])("with %s", (_what, line) => {
    expect(keyOf(line)).toEqual({ name: "ci", scopes: ["process"], digest: HEX });
  });

  test.each(["a", "A1", "build.eu-west_1", "9", "a".repeat(64)])("called %s", (name) => {
    expect(keyOf(`${name} admin ${DIGEST}`)?.name).toBe(name);
  });

  test.each([
    ["2027-01-31", "2027-01-31T00:00:00Z"],
    ["2028-02-29", "2028-02-29T00:00:00Z"],
    ["2027-01-31T12:00:00Z", "2027-01-31T12:00:00Z"],
    ["2027-01-31T12:00:00.5Z", "2027-01-31T12:00:00.500Z"],
    ["2027-01-31T12:00:00+02:00", "2027-01-31T10:00:00Z"],
  ])("with dates such as %s", (date, time) => {
    const key = keyOf(`ci process ${DIGEST} expires=${date}`);
    expect(key).toEqual({
      name: "ci",
      scopes: ["process"],
      digest: HEX,
      expires: Date.parse(time),
    });
    expect(keyOf(`ci process ${DIGEST} not-before=${date}`)?.notBefore).toBe(Date.parse(time));
  });

  test("with both dates in any order", () => {
    const dates = ["not-before=2027-01-01", "expires=2027-02-01"];
    const expected = { notBefore: Date.parse("2027-01-01"), expires: Date.parse("2027-02-01") };
    for (const each of [dates, dates.toReversed()]) {
      expect(keyOf(`ci process ${DIGEST} ${each.join(" ")}`)).toMatchObject(expected);
    }
  });
});

describe("a line is a problem", () => {
  const NAME = /^line 1: a name is 1 to 64 letters/;
  const SCOPES_PROBLEM = new RegExp(`^line 1: scopes are ${SCOPES.join(", ")}, with`);
  const HASH = /^line 1: a digest is sha256: and 64 hexadecimal digits$/;
  const DATES = /^line 1: after the digest only not-before=DATE and expires=DATE may follow, DATE /;

  test.each([
    ["a name that begins with a dash", `-ci process ${DIGEST}`, NAME],
    ["a name with a sign", `c=i process ${DIGEST}`, NAME],
    ["a name outside ASCII", `ç process ${DIGEST}`, NAME],
    ["a name too long", `${"a".repeat(65)} process ${DIGEST}`, NAME],
    ["a name alone", "ci", SCOPES_PROBLEM],
    ["no scopes", `ci ${DIGEST}`, SCOPES_PROBLEM],
    ["a scope that there is not", `ci process,secrets ${DIGEST}`, SCOPES_PROBLEM],
    ["an empty scope", `ci process, ${DIGEST}`, SCOPES_PROBLEM],
    ["no digest", "ci process", HASH],
    ["a digest too short", `ci process sha256:${HEX.slice(1)}`, HASH],
    ["a digest too long", `ci process ${DIGEST}0`, HASH],
    ["a digest of another kind", `ci process md5:${HEX}`, HASH],
    ["a digest that is a key", "ci process thb_0123456789abcdef0123456789abcdef", HASH],
    ["an unknown word", `ci process ${DIGEST} forever`, DATES],
    ["an unknown date", `ci process ${DIGEST} until=2027-01-31`, DATES],
    ["a day that there is not", `ci process ${DIGEST} expires=2027-02-29`, DATES],
    ["a date in another order", `ci process ${DIGEST} expires=31.01.2027`, DATES],
    ["a time without a zone", `ci process ${DIGEST} expires=2027-01-31T12:00:00`, DATES],
    ["a time without seconds", `ci process ${DIGEST} expires=2027-01-31T12:00Z`, DATES],
    ["no date", `ci process ${DIGEST} expires=`, DATES],
    [
      "a date twice",
      `ci process ${DIGEST} expires=2027-01-01 expires=2027-01-02`,
      /^line 1: not-before and expires may be given only once$/,
    ],
    [
      "an end before the beginning",
      `ci process ${DIGEST} not-before=2027-01-02 expires=2027-01-02`,
      /^line 1: expires must be later than not-before$/,
    ],
  ])("with %s", (_what, line, problem) => {
    expect(parseKeyFile(line, SCOPES)).toEqual({
      keys: [],
      problems: [expect.stringMatching(problem)],
    });
  });

  test("with the name or the digest of another", () => {
    const text = `a process ${other("1")}\n\nb process ${other("1")}\na process ${other("2")}`;
    expect(parseKeyFile(text, SCOPES).problems).toEqual([
      "line 3: repeats the digest of line 1; each must be unique",
      "line 4: repeats the name of line 1; each must be unique",
    ]);
  });
});

test("blank lines and comments are not keys, but they count as lines", () => {
  const text = ["", "# keys of the team", "  # more", `a process ${other("1")}`, " ", "b"];
  const { keys, problems } = parseKeyFile(text.join("\n"), SCOPES);
  expect(keys.map(({ name }) => name)).toEqual(["a"]);
  expect(problems).toEqual([expect.stringMatching(/^line 6: /)]);
});

test("a text without a key is a problem", () => {
  for (const text of ["", "\n \n", "# none"]) {
    expect(parseKeyFile(text, SCOPES)).toEqual({
      keys: [],
      problems: [
        expect.stringMatching(
          /^holds no key; write lines of the form NAME SCOPE\[,SCOPE\] sha256:HEX/,
        ),
      ],
    });
  }
});

test("every text is keys or problems, and no problem repeats it", () => {
  const word = fc.stringMatching(/^[a-z0-9:=,#-]{12,40}$/);
  const line = fc.array(word, { maxLength: 5 }).map((words) => words.join(" "));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
      const { keys, problems } = parseKeyFile(lines.join("\n"), SCOPES);
      expect(keys.length + problems.length).toBeGreaterThan(0);
      for (const each of lines.flatMap((text) => text.split(" ")).filter(Boolean)) {
        for (const problem of problems) expect(problem).not.toContain(each);
      }
    }),
  );
});
