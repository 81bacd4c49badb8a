/** The bytes that each field of a record takes, in the order of the file. */
type Layout = Readonly<Record<string, 2 | 4 | 8>>;

/** A record's values. Those of 8 bytes are exact up to 2^53. */
export type Struct<L extends Layout> = { [Field in keyof L]: number };

/** Reads a record of little-endian numbers. @throws {RangeError} if it ends after the bytes. */
export function readStruct<L extends Layout>(
  bytes: Uint8Array,
  start: number,
  layout: L,
): Struct<L> {
  const view = viewOf(bytes);
  let at = start;
  const values = Object.entries(layout).map(([field, size]) => {
    const value = readNumber(view, at, size);
    at += size;
    return [field, value] as const;
  });
  return Object.fromEntries(values) as Struct<L>;
}

/** Writes a record where {@link readStruct} would read it. */
export function writeStruct<L extends Layout>(
  bytes: Uint8Array,
  start: number,
  layout: L,
  values: Struct<L>,
): void {
  const view = viewOf(bytes);
  let at = start;
  for (const [field, size] of Object.entries(layout)) {
    writeNumber(view, at, size, values[field] ?? 0);
    at += size;
  }
}

/** The bytes of a record. */
export function sizeOf(layout: Layout): number {
  return Object.values(layout).reduce<number>((sum, size) => sum + size, 0);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function readNumber(view: DataView, at: number, size: 2 | 4 | 8): number {
  if (size === 2) return view.getUint16(at, true);
  if (size === 4) return view.getUint32(at, true);
  return Number(view.getBigUint64(at, true));
}

function writeNumber(view: DataView, at: number, size: 2 | 4 | 8, value: number): void {
  if (size === 2) view.setUint16(at, value, true);
  else if (size === 4) view.setUint32(at, value, true);
  else view.setBigUint64(at, BigInt(value), true);
}
