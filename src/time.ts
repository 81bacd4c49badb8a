/** Milliseconds since the Unix epoch. */
export type Clock = () => number;

/** A moment by performance.now(), in milliseconds. */
export type Deadline = number;

/** A time as RFC 3339 in UTC, with milliseconds. */
export function timestamp(clock: Clock): string {
  return new Date(clock()).toISOString();
}

/**
 * Settles like `work`. If `work` takes longer than `milliseconds`, it settles like `onExpiry`. The work
 * itself continues, because a promise cannot be stopped.
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
