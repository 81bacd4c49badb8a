import { expect, test } from "bun:test";
import fc from "fast-check";
import { openApp } from "../../../test/app.ts";

const { request, log } = openApp();
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function idFor(given: string): Promise<string> {
  const response = await request("/healthz", { headers: { "X-Request-Id": given } });
  return response.headers.get("X-Request-Id") ?? "";
}

/** Header values that HTTP itself allows: no line breaks, no NUL, no space at either end. */
const value = fc
  .array(
    fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 0x21, max: 0x7e }) },
      fc.constantFrom(0x09, 0x20, 0x80, 0xe9, 0xff),
    ),
    { maxLength: 200 },
  )
  .map((codes) => String.fromCharCode(...codes).replace(/^[\t ]+|[\t ]+$/g, ""));

test("an id is kept if it is 1 to 128 printable ASCII characters, else replaced", async () => {
  await fc.assert(
    fc.asyncProperty(value, async (given) => {
      const codes = [...given].map((character) => character.charCodeAt(0));
      const printable = codes.every((code) => code >= 0x20 && code <= 0x7e);
      const id = await idFor(given);
      if (printable && codes.length >= 1 && codes.length <= 128) expect(id).toBe(given);
      else expect(id).toMatch(UUID);
    }),
    { numRuns: 300 },
  );
});

test("an id of 128 characters is kept, and one of 129 is not", async () => {
  expect(await idFor("~".repeat(128))).toBe("~".repeat(128));
  expect(await idFor("~".repeat(129))).toMatch(UUID);
});

test("the log names the id that the answer carries", async () => {
  const response = await request("/healthz");
  const id = response.headers.get("X-Request-Id");
  expect(id).toMatch(UUID);
  expect(log.at(-1)).toMatchObject({ message: "request", request_id: id });
});
