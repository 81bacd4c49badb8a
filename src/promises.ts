/** Calls `next` with a value at once, or when its promise resolves: to wait for what is known takes time. */
export function whenKnown<T, R>(
  value: T | Promise<T>,
  next: (value: T) => R,
): R | Promise<Awaited<R>> {
  if (!(value instanceof Promise)) return next(value);
  return value.then(next) as Promise<Awaited<R>>;
}
