import { type Elapsed, elapsed } from "../time.ts";
import type { OnHit, Rate, Window } from "./fixed-windows.ts";

/** A client's hits in its window of a limit, and how long that window still has. */
export type Count = { limit: string; client: string; hits: number; leftMs: number };

/** Adds hits to those of other instances, and returns the totals of the same clients. */
export type Exchange = (counts: readonly Count[]) => Promise<readonly Count[]>;

/** The counts that this instance shares with others. */
export type SharedCounts = ReturnType<typeof createSharedCounts>;

/** More clients than one instance answers within a minute. */
const CAPACITY = 100_000;

/** The most clients of a limit in one exchange, which then takes the database some 50 ms. */
const BATCH = 5000;

/** A window that ends sooner may be over when its hits arrive, and then they would count for the next. */
const LEAST_LEFT_MS = 500;

type SharedCountsOptions = {
  /** The clock of the windows: the runtime's own by default. */
  now?: Elapsed | undefined;
  /** The most clients of a limit that are shared within a window: 100,000 by default. */
  capacity?: number;
  /** The most clients of a limit in one exchange: 5,000 by default. */
  batch?: number;
};

/**
 * Counts hits together with other instances. A request only notes its hit here; an exchange, from time to
 * time, adds the new ones to the totals and takes over what others have added. So what one instance counts is
 * known to another one exchange of each later, and a client that is new to an instance is known to it after one.
 * Without exchanges, each instance counts for itself.
 *
 * No two clocks are compared: the first that adds a client begins its window, and the others learn how long it
 * still has, to within the time that an exchange takes.
 */
export function createSharedCounts(options: SharedCountsOptions = {}) {
  const { now = elapsed, capacity = CAPACITY, batch = BATCH } = options;
  const lists: List[] = [];

  return {
    /** Notes the hits of a limit. Those of one name and one length of window are one limit. */
    of(name: string, { windowMs }: Rate): OnHit {
      const admit = createQuota(capacity, windowMs);
      const list = createList(`${name} per ${windowMs / 1000} s`, { admit, capacity, batch });
      lists.push(list);
      return list.note;
    },

    /** Sends what is new, and takes over the totals. If it fails, the next one sends the same again. */
    async exchange(send: Exchange): Promise<void> {
      const sentAt = now();
      const sent = lists.flatMap((list) => list.take(sentAt));
      if (sent.length === 0) return;
      const totals = await send(sent.map(({ count }) => count));
      const totalOf = new Map(totals.map((total) => [keyOf(total), total]));
      for (const { count, adopt } of sent) {
        const total = totalOf.get(keyOf(count));
        if (total) adopt(total, sentAt);
      }
    },
  };
}

const keyOf = ({ limit, client }: Count) => `${limit} ${client}`;

type Admit = (window: Window, at: number) => boolean;

/** Admits windows, as often as they ask, but only so many in the time of one: what stores them is bounded too. */
function createQuota(capacity: number, windowMs: number): Admit {
  const admitted = new WeakSet<Window>();
  let count = 0;
  let countsUntil = 0;
  return function admit(window, at) {
    if (admitted.has(window)) return true;
    if (at >= countsUntil) [count, countsUntil] = [0, at + windowMs];
    if (count >= capacity) return false;
    count += 1;
    admitted.add(window);
    return true;
  };
}

/** A count that is sent, and what takes over its total. */
type Sent = { count: Count; adopt: (total: Count, sentAt: number) => void };

/** The hits of one limit that only this instance knows. */
type List = { note: OnHit; take: (at: number) => Sent[] };

type ListOptions = { admit: Admit; capacity: number; batch: number };

function createList(limit: string, { admit, capacity, batch }: ListOptions): List {
  const unsent = new Map<string, { window: Window; hits: number }>();

  /** Hits that came since `count` was taken are still to be sent, after those of other clients. */
  function adopt(count: Count, window: Window, total: Count, sentAt: number): void {
    const { client } = count;
    const known = unsent.get(client);
    // Another window has begun, of which nothing was sent.
    if (known?.window !== window) return;
    known.hits -= count.hits;
    window.hits = total.hits + known.hits;
    window.endsAt = sentAt + total.leftMs;
    unsent.delete(client);
    if (known.hits > 0) unsent.set(client, known);
  }

  return {
    note(client, window) {
      const known = unsent.get(client);
      if (known?.window === window) known.hits += 1;
      else if (known || unsent.size < capacity) unsent.set(client, { window, hits: 1 });
    },

    take(at) {
      const sent: Sent[] = [];
      for (const [client, { window, hits }] of unsent) {
        if (sent.length === batch) break;
        const leftMs = window.endsAt - at;
        if (leftMs < LEAST_LEFT_MS || !admit(window, at)) {
          unsent.delete(client);
          continue;
        }
        const count = { limit, client, hits, leftMs };
        sent.push({ count, adopt: (total, sentAt) => adopt(count, window, total, sentAt) });
      }
      return sent;
    },
  };
}
