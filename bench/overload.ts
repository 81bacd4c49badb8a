import { type Contender, startContender } from "./contenders.ts";
import { openLoop } from "./open-loop.ts";
import { percentile } from "./statistics.ts";
import { sendLoad } from "./wrk.ts";

/** How a contender answers at a constant rate, with half of what it can. */
export type LatencyMeasurement = {
  contender: string;
  title: string;
  /** What it answers in a second to clients that wait for each answer. */
  saturation: number;
  p50Ms: number;
  p99Ms: number;
  p999Ms: number;
};

/** How it answers more than it can. */
export type OverloadMeasurement = {
  /** How many times the saturation is asked for. */
  factor: number;
  /** Answers with 2xx within the patience of a client, for each second, as a share of the saturation. */
  goodput: number;
  /** Answers with another status, as a share of all that was asked for. */
  refused: number;
};

/** The most expensive request: the clients have one core, and must ask for more than is answered. */
const OVERLOADED = "/books?limit=50";
const FACTORS = [2, 4] as const;
/** More than MAX_CONCURRENT_REQUESTS. */
const CONNECTIONS = 2000;
const PATIENCE_MS = 1000;

type Options = { contender: Contender; databaseUrl: string; seconds: number };

/** Measures latency of a request, without a body, at half of saturation. */
export async function measureLatency(
  path: string,
  { contender, databaseUrl, seconds }: Options,
): Promise<LatencyMeasurement> {
  await using running = await startContender(contender, { DATABASE_URL: databaseUrl });
  const url = running.url + path;
  const saturation = await saturationOf(url, seconds);
  const load = { perSecond: saturation / 2, seconds: seconds * 2, connections: 64 };
  const { latencies } = await openLoop({ url, ...load });
  return {
    contender: contender.name,
    title: `GET ${path}`,
    saturation,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    p999Ms: percentile(latencies, 0.999),
  };
}

/** Measures what is still answered in time when clients ask for more than can be answered. */
export async function measureOverload(options: Options): Promise<OverloadMeasurement[]> {
  const { contender, databaseUrl, seconds } = options;
  await using running = await startContender(contender, { DATABASE_URL: databaseUrl });
  const url = running.url + OVERLOADED;
  const saturation = await saturationOf(url, seconds);
  const measurements: OverloadMeasurement[] = [];
  for (const factor of FACTORS) {
    const perSecond = saturation * factor;
    const load = { perSecond, seconds, connections: CONNECTIONS, patienceMs: PATIENCE_MS };
    const { latencies, refused, planned, elapsedSeconds } = await openLoop({ url, ...load });
    // Some answers come after the last request was sent.
    const goodput = latencies.length / elapsedSeconds / saturation;
    measurements.push({ factor, goodput, refused: refused / planned });
  }
  return measurements;
}

async function saturationOf(url: string, seconds: number): Promise<number> {
  await sendLoad({ url, seconds });
  const { perSecond } = await sendLoad({ url, seconds });
  return perSecond;
}
