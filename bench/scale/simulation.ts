import { percentile } from "../statistics.ts";
import { type Clock, createClock } from "./events.ts";
import { type Draw, exponential, type Random } from "./random.ts";

/** What a request needs, in seconds. */
export type Cost = {
  /** On the core of its instance: half before the database is asked, half after it. */
  instance: Draw;
  /** On a core of PostgreSQL; missing if the request asks for nothing there. */
  database?: Draw;
  /** Without a core: wake-ups, the network, the disk. A connection to the database is in use meanwhile. */
  rest: Draw;
};

export type Setup = {
  random: Random;
  requests: number;
  perSecond: number;
  balancer: "in turns" | "at random";
  /** The number of cores of each machine. */
  machines: readonly number[];
  /** The machine of each instance, by its place in that list. */
  instances: readonly number[];
  /** The machine of PostgreSQL, and the most connections that each instance has to it. */
  database?: { machine: number; pool: number };
  cost: Cost;
};

/** In seconds. */
export type Outcome = { mean: number; p50: number; p99: number };

/** Until queues are as long as they usually are, what is measured does not count. */
const WARM_UP_SHARE = 0.1;

/**
 * Sends requests to instances, and reports how long they took. Requests come at random (a Poisson process). Every core
 * takes one job after the other to its end, in the order of their arrival (FIFO): an event loop does so, and a query is
 * shorter than the slices in which Linux shares a core among processes.
 */
export function simulate(setup: Setup): Outcome {
  const { random, requests, perSecond } = setup;
  const clock = createClock();
  const send = createService(clock, setup);
  const gap = exponential(random, 1 / perSecond);
  const latencies: number[] = [];

  function arrive(count: number): void {
    const arrivedAt = clock.now();
    send(() => {
      if (count >= requests * WARM_UP_SHARE) latencies.push(clock.now() - arrivedAt);
    });
    if (count < requests) clock.after(gap(), () => arrive(count + 1));
  }

  arrive(1);
  clock.run();
  return summaryOf(latencies);
}

/** What sends a request to an instance, and calls back after its answer. */
function createService(clock: Clock, setup: Setup): (done: () => void) => void {
  const { cost, database } = setup;
  const machines = setup.machines.map(createStation);
  const instances = setup.instances.map((machine) => ({
    core: placeOf(machines, machine),
    pool: createStation(database?.pool ?? 0),
  }));
  const choose = createBalancer(setup);

  const work = (station: Station, seconds: number, then: () => void) =>
    station((leave) =>
      clock.after(seconds, () => {
        leave();
        then();
      }),
    );

  return (done) => {
    const { core, pool } = placeOf(instances, choose());
    const seconds = cost.instance();
    const ask = cost.database;
    if (!database || !ask) return work(core, seconds, () => clock.after(cost.rest(), done));
    const query = (leave: () => void) =>
      work(placeOf(machines, database.machine), ask(), () =>
        clock.after(cost.rest(), () => {
          leave();
          work(core, seconds / 2, done);
        }),
      );
    work(core, seconds / 2, () => pool(query));
  };
}

/** Lets a number of jobs in at once; the others wait in their order. A job calls `leave` at its end. */
type Station = (enter: (leave: () => void) => void) => void;

function createStation(places: number): Station {
  const waiting: ((leave: () => void) => void)[] = [];
  let free = places;
  function leave(): void {
    const next = waiting.shift();
    if (next) next(leave);
    else free += 1;
  }
  return (enter) => {
    if (free === 0) return void waiting.push(enter);
    free -= 1;
    enter(leave);
  };
}

function createBalancer({ balancer, instances, random }: Setup): () => number {
  const count = instances.length;
  let last = -1;
  if (balancer === "at random") return () => Math.floor(random() * count);
  return () => {
    last = (last + 1) % count;
    return last;
  };
}

function placeOf<T>(all: readonly T[], place: number): T {
  const found = all[place];
  if (found === undefined) throw new Error(`there is no place ${place}, only ${all.length} places`);
  return found;
}

function summaryOf(latencies: readonly number[]): Outcome {
  const mean = latencies.reduce((sum, each) => sum + each, 0) / latencies.length;
  return { mean, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
}
