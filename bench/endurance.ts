import { type Contender, startContender } from "./contenders.ts";
import { anonymousBytes, cpuTime } from "./cpu-time.ts";
import { progress } from "./progress.ts";
import { sendLoad } from "./wrk.ts";

/** What a request costs, and how much memory the service has, after it has answered some. */
export type EnduranceMeasurement = { requests: number; microseconds: number; memoryMiB: number };

const SHORT = [100_000] as const;
const LONG = [100_000, 3_000_000] as const;
const TURN_SECONDS = 2;

/** @param isLong whether it goes on to 3 million requests, which takes minutes. */
export async function measureEndurance(
  { service, databaseUrl }: { service: Contender; databaseUrl: string },
  isLong: boolean,
): Promise<EnduranceMeasurement[]> {
  await using running = await startContender(service, { DATABASE_URL: databaseUrl });
  const { pid } = running;
  const url = `${running.url}/books/1`;
  const measurements: EnduranceMeasurement[] = [];
  let answered = 0;
  for (const goal of isLong ? LONG : SHORT) {
    progress(`until ${goal} requests`);
    let microseconds = 0;
    while (answered < goal) {
      const before = cpuTime(pid);
      const { requests } = await sendLoad({ url, seconds: TURN_SECONDS });
      microseconds = (cpuTime(pid) - before) / requests;
      answered += requests;
    }
    const memoryMiB = anonymousBytes(pid) / 2 ** 20;
    measurements.push({ requests: answered, microseconds, memoryMiB });
  }
  return measurements;
}
