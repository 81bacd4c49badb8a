import { z } from "zod";
import { type Issue, invalidInput, shortName } from "./errors.ts";

/** The message of an issue whose path ends in a name from the client. */
export const UNKNOWN_FIELD = "Unknown field";

/** The issues of a failed validation; each unknown member is one issue. */
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

/** The validators' hook: throws a failed validation, so that one place answers it. */
export function throwInvalid(result: ValidationResult): void {
  if (!result.success) throw invalidInput(toIssues(result.error));
}

/**
 * A schema that is made when it is first used, so that the service starts sooner. It is made only once:
 * the generator of the OpenAPI document calls `z.lazy`'s function every time.
 */
export function lazySchema<T extends z.ZodType>(make: () => T): z.ZodLazy<T> {
  let schema: T | undefined;
  return z.lazy(() => {
    schema ??= make();
    return schema;
  });
}
