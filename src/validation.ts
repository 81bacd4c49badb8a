import { z } from "zod";
import { type Issue, invalidInput, shortName } from "./errors.ts";

/** The message of an issue whose path ends in a name that the client chose. */
export const UNKNOWN_FIELD = "Unknown field";

/** A failed validation as issues, an unknown member under its own name. */
export function toIssues(error: z.core.$ZodError): Issue[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code !== "unrecognized_keys") {
      return [{ path: path.join("."), message: issue.message }];
    }
    return issue.keys.map((key) => ({
      path: [...path, shortName(key)].join("."),
      message: UNKNOWN_FIELD,
    }));
  });
}

type ValidationResult = { success: true } | { success: false; error: z.core.$ZodError };

/** The validators' hook: a failed validation is thrown, so that one place answers it. */
export function throwInvalid(result: ValidationResult): void {
  if (!result.success) throw invalidInput(toIssues(result.error));
}

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
