import type { z } from "zod";

/**
 * Something `POST /api/v1/process` can do. `input` validates the members of the request body beside
 * `action`; `run` answers the members of the response beside `success`, `action` and `timestamp`.
 */
export type Action<Name extends string = string, Input extends z.ZodObject = z.ZodObject> = {
  name: Name;
  description: string;
  input: Input;
  run: (input: z.output<Input>) => Record<string, unknown>;
};

/** Infers an action's types from its name and its schema. */
export function defineAction<const Name extends string, Input extends z.ZodObject>(
  action: Action<Name, Input>,
): Action<Name, Input> {
  return action;
}

/** The request body that asks for an action. */
export type Command<A extends Action> =
  A extends Action<infer Name, infer Input> ? { action: Name } & z.input<Input> : never;
