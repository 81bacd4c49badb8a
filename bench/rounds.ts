import type { Running } from "./contenders.ts";
import { cpuTime } from "./cpu-time.ts";
import { median, type Spread, spreadOf } from "./statistics.ts";
import type { Workload } from "./workloads.ts";
import { sendLoad } from "./wrk.ts";

export type Effort = { rounds: number; seconds: number };

/** What one contender did in one round. */
type Turn = { microseconds: number; perSecond: number };

export type Measurement = {
  contender: string;
  version: string;
  /** CPU time for a request: user and system. */
  microseconds: Spread;
  perSecond: Spread;
  /** CPU time of the yardstick, divided by CPU time of this contender: the median over all rounds. */
  ratio: number;
};

/** How many requests a contender answers before it is measured, so that its code is compiled; and for how long. */
const WARM_UP_REQUESTS = 50_000;
const WARM_UP_SECONDS = 12;

/**
 * Measures contenders in turns, so that other load of the machine affects all of them; every other round goes
 * backwards. The first contender is the one that the others are compared with.
 */
export async function measureInRounds(
  running: readonly Running[],
  workload: Workload,
  { rounds, seconds }: Effort,
): Promise<Measurement[]> {
  for (const each of running) await warmUp(each, workload);
  const turns = new Map<Running, Turn[]>(running.map((each) => [each, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const each of round % 2 === 0 ? running : running.toReversed()) {
      turns.get(each)?.push(await takeTurn(each, workload, seconds));
    }
  }
  const [yardstick = []] = turns.values();
  return [...turns].map(([{ contender }, own]) => ({
    contender: contender.name,
    version: contender.version,
    microseconds: spreadOf(own.map(({ microseconds }) => microseconds)),
    perSecond: spreadOf(own.map(({ perSecond }) => perSecond)),
    ratio: median(own.map((turn, round) => ratio(yardstick[round], turn))),
  }));
}

/** On a busy machine, a fixed time would be too short for the slow ones. */
async function warmUp({ url }: Running, { path, init, connections }: Workload): Promise<void> {
  let answered = 0;
  for (let second = 0; second < WARM_UP_SECONDS && answered < WARM_UP_REQUESTS; second += 1) {
    const { requests } = await sendLoad({ url: url + path, seconds: 1, connections, init });
    answered += requests;
  }
}

async function takeTurn({ url, pid }: Running, workload: Workload, seconds: number): Promise<Turn> {
  const { path, init, connections } = workload;
  const before = cpuTime(pid);
  const { requests, perSecond } = await sendLoad({ url: url + path, seconds, connections, init });
  return { microseconds: (cpuTime(pid) - before) / requests, perSecond };
}

function ratio(yardstick: Turn | undefined, turn: Turn): number {
  return (yardstick?.microseconds ?? Number.NaN) / turn.microseconds;
}
