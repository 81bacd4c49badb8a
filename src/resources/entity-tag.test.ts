import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { entityTag, ifMatchHolds, ifNoneMatchNames } from "./entity-tag.ts";

const book = (id: number, updatedAt: number) => ({
  id,
  title: "Emma",
  author: "Jane Austen",
  year: 1815,
  created_at: "2026-01-01T00:00:00.000Z",
  updated_at: new Date(updatedAt).toISOString(),
});

const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const moment = fc.integer({ min: 0, max: Date.parse("9999-12-31T23:59:59.999Z") });
/** Every character that RFC 9110 allows in an entity tag, but none outside ASCII. */
const opaque = fc
  .array(fc.constantFrom(..."!#$%&'()*+,-./0129:;<=>?@AZ[\\]^_`az{|}~"), { maxLength: 12 })
  .map((characters) => `"${characters.join("")}"`);

test("a tag is strong and well-formed (RFC 9110 section 8.8.3)", () => {
  fc.assert(
    fc.property(id, moment, (of, at) => {
      expect(entityTag(book(of, at))).toMatch(/^"[\x21\x23-\x7e]+"$/);
    }),
  );
});

test("two states of books have one tag only where they are the same state", () => {
  fc.assert(
    fc.property(id, moment, id, moment, (id1, at1, id2, at2) => {
      const same = id1 === id2 && at1 === at2;
      expect(entityTag(book(id1, at1)) === entityTag(book(id2, at2))).toBe(same);
    }),
  );
  expect(entityTag(book(1, 1000))).not.toBe(entityTag(book(1, 1001)));
});

const TAG = '"7-abc"';

/** The tag as proxies make it that compress answers. */
const BY_PROXIES = [
  `W/${TAG}`,
  '"7-abc-gzip"',
  '"7-abc-br"',
  '"7-abc-zstd"',
  '"7-abc-deflate"',
  '"7-abc--gzip"',
  '"7-abc;gzip"',
  'W/"7-abc-gzip"',
  'W/"7-abc--gzip"',
];

/** Tags of other states, though something was added to them. */
const OF_OTHERS = [
  '"7-abcgzip"',
  '"7-abc-"',
  '"7-abc-gzip-gzip"',
  '"7-abc---gzip"',
  '"7-abc-GZIP"',
  '"7-abc-x"',
  '"7-ab-gzip"',
  '"-gzip"',
];

test("a state whose tag ends like an encoding is named by its own tag alone", () => {
  expect(ifMatchHolds('"7-gzip"', '"7-gzip"')).toBe(true);
  expect(ifMatchHolds('"7-gzip-br"', '"7-gzip"')).toBe(true);
  expect(ifMatchHolds('"7-br"', '"7-gzip"')).toBe(false);
});

describe("If-Match", () => {
  const holding = [
    "*",
    " * ",
    TAG,
    `"x", ${TAG}`,
    `${TAG},"x"`,
    `W/"x" , ${TAG} ,`,
    `"a,b",${TAG}`,
    ...BY_PROXIES,
    `"x", ${BY_PROXIES.join(", ")}`,
  ];
  for (const header of holding) {
    test(`holds: ${header}`, () => expect(ifMatchHolds(header, TAG)).toBe(true));
  }

  const failing = [
    "",
    ...OF_OTHERS,
    '"7-abcd"',
    '"7-ab"',
    '"7-ABC"',
    "7-abc",
    '"x", "y"',
    '""',
    "**",
  ];
  for (const header of failing) {
    test(`does not hold: ${header}`, () => expect(ifMatchHolds(header, TAG)).toBe(false));
  }
});

describe("If-None-Match", () => {
  const naming = [
    "*",
    " * ",
    TAG,
    `W/${TAG}`,
    `"x", W/${TAG}`,
    `${TAG},"x"`,
    `"a,b",${TAG}`,
    ...BY_PROXIES,
  ];
  for (const header of naming) {
    test(`names it: ${header}`, () => expect(ifNoneMatchNames(header, TAG)).toBe(true));
  }

  const others = ["", ...OF_OTHERS, '"7-abcd"', 'W/"x"', "7-abc", '"x", "y"', '""', "**"];
  for (const header of others) {
    test(`does not name it: ${header}`, () => {
      expect(ifNoneMatchNames(header, TAG)).toBe(false);
    });
  }
});

test("in a list of any tags, a strong one and a weak one match", () => {
  const weak = fc.boolean();
  const others = fc.array(
    fc.tuple(
      weak,
      opaque.filter((tag) => tag !== TAG),
    ),
  );
  fc.assert(
    fc.property(others, weak, fc.nat(), fc.boolean(), (tags, isWeak, place, listed) => {
      const all = tags.map(([of, tag]) => (of ? `W/${tag}` : tag));
      if (listed) all.splice(place % (all.length + 1), 0, isWeak ? `W/${TAG}` : TAG);
      const header = all.join(", ");
      expect(ifMatchHolds(header, TAG)).toBe(listed);
      expect(ifNoneMatchNames(header, TAG)).toBe(listed);
    }),
  );
});
