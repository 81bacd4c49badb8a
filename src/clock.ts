/** Milliseconds since the Unix epoch. */
export type Clock = () => number;

/** A clock's reading as RFC 3339 in UTC, with milliseconds. */
export function timestamp(clock: Clock): string {
  return new Date(clock()).toISOString();
}
