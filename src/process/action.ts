import type { z } from "zod";

/**
 * An action of `POST /api/v1/process`. `input` validates the members of the request body besides
 * `action`; `run` returns the members of the response besides `success`, `action` and `timestamp`.
 */
export type Action<
  Name extends string = string,
  Input extends z.ZodObject = z.ZodObject,
  Output extends object = object,
> = {
  name: Name;
  description: string;
  /** An input that the OpenAPI document shows; its result is shown too. */
  example: z.input<Input>;
  input: Input;
  run: (input: z.output<Input>) => Output;
};

/** Infers an action's types from its name, its schema and its result. */
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
