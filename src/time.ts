/** Milliseconds since the Unix epoch. */
export type Clock = () => number;

/** A clock's reading as RFC 3339 in UTC, with milliseconds. */
export function timestamp(clock: Clock): string {
  return new Date(clock()).toISOString();
}

/**
 * Settles as `work` does, or as `onExpiry` returns or throws when `work` takes longer than
 * `milliseconds`. The work itself goes on: there is no stopping a promise.
 */
export async function withDeadline<T>(
  work: Promise<T>,
  milliseconds: number,
  onExpiry: () => T | Promise<T>,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expiry = new Promise<T>((resolve, reject) => {
    timer = setTimeout(() => {
      try {
        resolve(onExpiry());
      } catch (error) {
        reject(error);
      }
    }, milliseconds);
  });
  try {
    return await Promise.race([work, expiry]);
  } finally {
    clearTimeout(timer);
  }
}
