/** Runs what is planned, in the order of its times. */
export type Clock = {
  now: () => number;
  after: (seconds: number, run: () => void) => void;
  /** Returns when nothing is planned any more. */
  run: () => void;
};

type Event = { at: number; run: () => void };

/** A clock whose time jumps from one event to the next. */
export function createClock(): Clock {
  const heap: Event[] = [];
  let now = 0;
  return {
    now: () => now,
    after: (seconds, run) => push(heap, { at: now + seconds, run }),
    run: () => {
      for (let event = pop(heap); event; event = pop(heap)) {
        now = event.at;
        event.run();
      }
    },
  };
}

/** A binary heap: no event is later than the two at twice its place. */
function push(heap: Event[], event: Event): void {
  let place = heap.length;
  while (place > 0) {
    const above = (place - 1) >> 1;
    const parent = heap[above];
    if (!parent || parent.at <= event.at) break;
    heap[place] = parent;
    place = above;
  }
  heap[place] = event;
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (!first || !last || heap.length === 0) return first;
  let place = 0;
  for (;;) {
    let below = 2 * place + 1;
    let child = heap[below];
    const right = heap[below + 1];
    if (child && right && right.at < child.at) {
      below += 1;
      child = right;
    }
    if (!child || child.at >= last.at) break;
    heap[place] = child;
    place = below;
  }
  heap[place] = last;
  return first;
}
