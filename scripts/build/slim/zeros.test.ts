import { expect, test } from "bun:test";
import { loadedSegments, readElf, SEGMENT_TYPE } from "./elf.ts";
import {
  madeUpExecutable,
  madeUpService,
  memoryOf,
  PAGE,
  SERVICE,
  VARIABLES,
  withHeaders,
} from "./made-up.ts";
import { withoutZeros } from "./zeros.ts";

const whole = madeUpService();
const smaller = withoutZeros(whole);

test("an executable without the zeros of its variables has the same memory, and is smaller by whole pages", () => {
  expect(smaller.length).toBe(whole.length - 19 * PAGE);
  const headers = VARIABLES.address - VARIABLES.offset + PAGE;
  const content = (file: Uint8Array) => [...memoryOf(file)].filter(([at]) => at >= headers);
  expect(content(smaller)).toEqual(content(whole));
});

test("its service is a segment that the kernel can map, in the place of the table's entry", () => {
  const { segments } = readElf(smaller);
  expect(segments).toHaveLength(readElf(whole).segments.length);
  expect(segments.some(({ type }) => type === SEGMENT_TYPE.table)).toBe(false);
  for (const { address, offset } of loadedSegments(readElf(smaller))) {
    expect((address - offset) % PAGE).toBe(0);
  }
  expect(segments).toContainEqual(
    expect.objectContaining({ address: SERVICE.address, size: PAGE }),
  );
});

function withByte(at: number): Uint8Array {
  const file = madeUpService();
  file[at] = 1;
  return file;
}

for (const [what, file, message] of [
  ["has a byte among the zeros", withByte(VARIABLES.offset + 5 * PAGE), "is not all zeros"],
  [
    "can be at any address",
    withHeaders(madeUpService(), ({ header }) => Object.assign(header, { type: 3 })),
    "its addresses are not fixed",
  ],
  [
    "has variables that cannot be written",
    withHeaders(madeUpService(), ({ segments }) => Object.assign(segments[2] ?? {}, { flags: 4 })),
    "cannot be written",
  ],
  [
    "has no entry for the table",
    withHeaders(madeUpService(), ({ segments }) => Object.assign(segments[3] ?? {}, { type: 4 })),
    "it has 0 segments of type 6",
  ],
  [
    "has no such section",
    withHeaders(madeUpService(), ({ sections }) => Object.assign(sections[2] ?? {}, { type: 1 })),
    "it has 0 sections of variables without bytes",
  ],
  ["has nothing after its variables", madeUpExecutable(), "sections of variables without bytes"],
] as const) {
  test(`an executable is refused that ${what}`, () => {
    expect(() => withoutZeros(file)).toThrow(message);
  });
}
