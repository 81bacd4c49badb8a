import { z } from "zod";

/**
 * A schema that is made when it is first used, for a service starts sooner without those that nothing has
 * asked for yet. It is made once: the generator of the OpenAPI document asks `z.lazy` for it every time.
 */
export function lazySchema<T extends z.ZodType>(make: () => T): z.ZodLazy<T> {
  let schema: T | undefined;
  return z.lazy(() => {
    schema ??= make();
    return schema;
  });
}
