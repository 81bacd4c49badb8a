import { ConfigError } from "../config/config.ts";
import { NewerSchemaError, UnusableDatabaseError } from "../database/migrations/migration.ts";
import { isDataError, isServerError } from "../database/postgres/errors.ts";
import { DomainError } from "../errors.ts";
import { ListenError } from "./runtime.ts";

/** Exit codes, after sysexits.h. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 64,
  data: 65,
  noInput: 66,
  unavailable: 69,
  cannotCreate: 73,
  config: 78,
} as const;

/** A command that refuses or fails for a reason that its user can correct. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: number;
  readonly problems: readonly string[] | undefined;

  constructor(exitCode: number, message: string, problems?: readonly string[]) {
    super(message);
    this.exitCode = exitCode;
    this.problems = problems;
  }
}

/** A reason why the service cannot start or continue, which its operator can correct. */
type Failure = {
  exitCode: number;
  message: string;
  /** Every problem of a configuration. */
  problems?: readonly string[];
};

/** Explains a failure that people can correct; any other is a defect, which needs its stack. */
export function explainFailure(error: unknown): Failure | undefined {
  if (error instanceof ConfigError) {
    const { problems } = error;
    return { exitCode: EXIT.config, message: "invalid configuration", problems };
  }
  if (error instanceof CommandError) {
    const { exitCode, message, problems } = error;
    return { exitCode, message, ...(problems && { problems }) };
  }
  if (error instanceof UnusableDatabaseError || error instanceof NewerSchemaError) {
    return { exitCode: EXIT.config, message: error.message };
  }
  if (error instanceof DomainError) {
    return { exitCode: EXIT.unavailable, message: withCause(error) };
  }
  if (error instanceof Error && isDataError(error)) {
    return { exitCode: EXIT.data, message: `the database refuses the data: ${error.message}` };
  }
  if (error instanceof ListenError || (error instanceof Error && isServerError(error))) {
    return { exitCode: EXIT.unavailable, message: error.message };
  }
  return undefined;
}

function withCause({ message, cause }: DomainError): string {
  return cause instanceof Error ? `${message} (${cause.message})` : message;
}
