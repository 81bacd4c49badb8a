import type { z } from "zod";

/**
 * Something `POST /api/v1/process` can do. `input` validates the members of the request body beside
 * `action`; `run` answers the members of the response beside `success`, `action` and `timestamp`.
 */
export type Action<
  Name extends string = string,
  Input extends z.ZodObject = z.ZodObject,
  Output extends object = object,
> = {
  name: Name;
  description: string;
  input: Input;
  run: (input: z.output<Input>) => Output;
};

/** Infers an action's types from its name, its schema and what it answers. */
export function defineAction<
  const Name extends string,
  Input extends z.ZodObject,
  Output extends object,
>(action: Action<Name, Input, Output>): Action<Name, Input, Output> {
  return action;
}

/** The request body that asks for an action. */
export type Command<A extends Action> =
  A extends Action<infer Name, infer Input> ? { action: Name } & z.input<Input> : never;

/** The response to a command. */
export type Answer<A extends Action> =
  A extends Action<infer Name, infer _, infer Output>
    ? { success: true; action: Name; timestamp: string } & Output
    : never;
