import { createLineBatch } from "./line-batch.ts";
import { writeFully } from "./write-fully.ts";

/** Writes lines to a file descriptor, those of one turn of the event loop at once. It waits for a slow reader. */
export function createLineWriter(fd: number) {
  const batch = createLineBatch(flush);

  /** Writes what is left, before an exit. */
  function flush(): void {
    const { bytes } = batch.take();
    try {
      writeFully(fd, bytes);
    } catch {
      // Without a reader the service goes on.
    }
  }

  return { write: batch.add, flush };
}
