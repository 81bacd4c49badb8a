/** By workload: the CPU time of a bare `Bun.serve` divided by that of the service. */
export type Ratios = Record<string, number>;

/** How far a ratio may drop from the committed one. */
const TOLERANCE = 0.1;

/** A ratio that has dropped too far, in words. */
export type Drop = { id: string; text: string };

/** Those ratios that have dropped too far, or are missing. */
export function drops(committed: Ratios, measured: Ratios): Drop[] {
  return Object.entries(committed).flatMap(([id, before]) => {
    const text = dropOf(before, measured[id]);
    return text === undefined ? [] : [{ id, text: `${id}: ${text}` }];
  });
}

function dropOf(before: number, now: number | undefined): string | undefined {
  if (now === undefined) return "not measured";
  if (now >= before * (1 - TOLERANCE)) return undefined;
  const share = Math.round((1 - now / before) * 100);
  return `${now.toFixed(2)} is ${share} % below the committed ${before.toFixed(2)}`;
}
