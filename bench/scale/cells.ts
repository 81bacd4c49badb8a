import { grouped } from "../../src/grouped.ts";
import type { Figures } from "./results.ts";

/** p50 and p99. */
export function latencies({ p50, p99 }: Figures): string {
  return `${p50.toFixed(2)} / ${p99.toFixed(2)}`;
}

export function poolOrNone(pool: number): string {
  return pool === 0 ? "none; a pooler" : String(pool);
}

/** Microseconds. */
export function micro(seconds: number): string {
  return (seconds * 1e6).toFixed(0);
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

export function whole(value: number): string {
  return grouped(Math.round(value));
}

/** Two digits that count: more would say that the model is so exact. */
export function rounded(value: number): string {
  return whole(Number(value.toPrecision(2)));
}
