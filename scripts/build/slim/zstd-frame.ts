const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const BLOCK_HEADER_SIZE = 3;
const REPEATED_BYTE = 1;
const RESERVED = 3;

export function isZstdFrame(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/**
 * The length of the zstd frame that bytes begin with
 * (https://www.rfc-editor.org/rfc/rfc8878#name-zstandard-frames).
 *
 * @throws {Error} if it is damaged, or does not end within them.
 */
export function frameLength(bytes: Uint8Array): number {
  if (!isZstdFrame(bytes)) throw new Error("it is not a zstd frame");
  const descriptor = bytes[MAGIC.length] ?? 0;
  const hasChecksum = (descriptor & 4) !== 0;
  let end = MAGIC.length + 1 + sizeOfFields(descriptor);
  for (let isLast = false; !isLast; ) {
    const block = readBlock(bytes, end);
    isLast = block.isLast;
    end += BLOCK_HEADER_SIZE + block.size;
  }
  return within(bytes, end + (hasChecksum ? 4 : 0));
}

/** The window's size, the dictionary's id and the content's size. */
function sizeOfFields(descriptor: number): number {
  const isSingleSegment = (descriptor & 32) !== 0;
  const contentSize = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const dictionaryId = [0, 1, 2, 4][descriptor & 3] ?? 0;
  return (isSingleSegment ? 0 : 1) + dictionaryId + contentSize;
}

function readBlock(bytes: Uint8Array, start: number): { isLast: boolean; size: number } {
  within(bytes, start + BLOCK_HEADER_SIZE);
  const [low = 0, middle = 0, high = 0] = bytes.subarray(start);
  const header = low | (middle << 8) | (high << 16);
  const type = (header >> 1) & 3;
  if (type === RESERVED) throw new Error("the zstd frame is damaged");
  return { isLast: (header & 1) === 1, size: type === REPEATED_BYTE ? 1 : header >> 3 };
}

function within(bytes: Uint8Array, end: number): number {
  if (end > bytes.length) throw new Error("the zstd frame has no end");
  return end;
}
