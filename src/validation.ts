import { z } from "zod";
import { type Issue, invalidInput, shortName } from "./errors.ts";

/** The message of an issue whose path ends in a name from the client. */
export const UNKNOWN_FIELD = "Unknown field";
const MISSING = "is missing";

/** The issues of a failed validation; each unknown member is one issue. */
export function toIssues(error: z.core.$ZodError): Issue[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code !== "unrecognized_keys") {
      return [{ path: path.join("."), message: isMissing(issue) ? MISSING : issue.message }];
    }
    return issue.keys.map((key) => ({
      path: [...path, shortName(key)].join("."),
      message: UNKNOWN_FIELD,
    }));
  });
}

/** The issue itself does not hold what was received. */
function isMissing({ code, message }: z.core.$ZodIssue): boolean {
  return code === "invalid_type" && message.endsWith("received undefined");
}

/** What a schema makes of a value. @throws {DomainError} `invalid_input` with the issues. */
export function validate<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidInput(toIssues(result.error));
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
