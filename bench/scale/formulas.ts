/** One core, whose requests come at random. Times are in seconds. */
type Queue = {
  /** The share of time in which the core is busy, from 0 up to 1. */
  utilisation: number;
  /** The mean time that a request needs. */
  service: number;
};

/**
 * The mean time that requests wait for one core: M/G/1, by Pollaczek and Khinchine.
 *
 * @param variation the variance of the service time, divided by the square of its mean: 0 if all are equal (M/D/1), 1
 * if they are distributed exponentially (M/M/1).
 */
export function meanWait({ utilisation, service }: Queue, variation: number): number {
  return (utilisation * service * (1 + variation)) / (2 * (1 - utilisation));
}

/** The mean time that requests wait for one of several cores, with exponential service times: M/M/c, by Erlang. */
export function meanWaitOfCores({ utilisation, service }: Queue, cores: number): number {
  const offered = cores * utilisation;
  let [term, sum] = [1, 0];
  for (let busy = 0; busy < cores; busy += 1) {
    sum += term;
    term *= offered / (busy + 1);
  }
  const waiting = term / (1 - utilisation);
  return ((waiting / (sum + waiting)) * service) / (cores * (1 - utilisation));
}

type Connections = { replicas: number; surge: number; pool: number; jobs: number };

/** PostgreSQL keeps these for superusers: `superuser_reserved_connections`, whose default is 3. */
export const RESERVED_CONNECTIONS = 3;

/** One more than its pool: an instance asks the database for its readiness even when all are busy. */
const FOR_READINESS = 1;

/** How many connections instances have at most, during an update that starts `surge` new ones before it stops old ones. */
export function connectionsOf({ replicas, surge, pool, jobs }: Connections): number {
  return (replicas + surge) * (pool + FOR_READINESS) + jobs;
}

/** The largest pool with which they fit; 0 if none does. */
export function largestPool(
  { replicas, surge, jobs }: Omit<Connections, "pool">,
  maxConnections: number,
): number {
  const ofInstance = Math.floor(
    (maxConnections - RESERVED_CONNECTIONS - jobs) / (replicas + surge),
  );
  return Math.max(0, ofInstance - FOR_READINESS);
}
