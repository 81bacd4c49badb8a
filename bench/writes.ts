import { API_KEY } from "./api-key.ts";
import { type Contender, startContender } from "./contenders.ts";
import { openLoop } from "./open-loop.ts";
import { type SlowDisk, slowDisk } from "./slow-disk.ts";
import { percentile } from "./statistics.ts";
import { startWriters } from "./writers.ts";

export type WriteMeasurement = {
  /** How much longer than usual the disk takes for each `fsync`. */
  fsyncMs: number;
  booksPerSecond: number;
  fsyncsPerBook: number;
  /** p99 of `GET /books/1` at a constant rate, in milliseconds. */
  readP99Ms: { alone: number; duringWrites: number };
};

const CLIENTS = 32;
const FSYNC_MS = [0, 5] as const;
const READS_PER_SECOND = 500;
const READERS = 32;

/** A request that adds a book. */
export const BOOK: RequestInit = {
  method: "POST",
  headers: { "X-API-Key": API_KEY, "Content-Type": "application/json" },
  body: JSON.stringify({ title: "A Book of the Benchmark", author: "Some Author", year: 1949 }),
};

type Options = { service: Contender; databaseUrl: string; directory: string; seconds: number };

/** Measures writes to SQLite and the reads next to them, on this disk and on one that takes 5 ms longer. */
export async function measureWrites(options: Options): Promise<WriteMeasurement[]> {
  const measurements: WriteMeasurement[] = [];
  for (const fsyncMs of FSYNC_MS) {
    measurements.push(
      await measureOn(await slowDisk(options.directory, fsyncMs), fsyncMs, options),
    );
  }
  return measurements;
}

async function measureOn(
  disk: SlowDisk,
  fsyncMs: number,
  { service, databaseUrl, seconds }: Options,
): Promise<WriteMeasurement> {
  const setting = { DATABASE_URL: databaseUrl, ...disk.variables };
  await using running = await startContender(service, setting);
  const read = () => readP99(running.url, seconds);
  await read();
  const alone = await read();
  const writers = await startWriters(`${running.url}/books`, { init: BOOK, clients: CLIENTS });
  const before = { at: performance.now(), books: writers.created(), fsyncs: disk.fsyncs() };
  const duringWrites = await read();
  const books = writers.created() - before.books;
  const fsyncs = disk.fsyncs() - before.fsyncs;
  const elapsed = (performance.now() - before.at) / 1000;
  await writers.stop();
  if (fsyncs === 0)
    throw new Error("no fsync was counted: the executable does not use the library");
  const rates = { booksPerSecond: books / elapsed, fsyncsPerBook: fsyncs / books };
  return { fsyncMs, ...rates, readP99Ms: { alone, duringWrites } };
}

async function readP99(url: string, seconds: number): Promise<number> {
  const load = { perSecond: READS_PER_SECOND, seconds, connections: READERS };
  const { latencies, planned } = await openLoop({ url: `${url}/books/1`, ...load });
  if (latencies.length < planned) throw new Error("a read failed next to the writes");
  return percentile(latencies, 0.99);
}
