import type { z } from "zod";

/**
 * Something `POST /api/v1/process` can do. `input` validates the members of the request body beside
 * `action`; `run` answers the members of the response beside `success`, `action` and `timestamp`.
 */
export type Action<Input extends z.ZodObject = z.ZodObject> = {
  name: string;
  description: string;
  input: Input;
  run: (input: z.output<Input>) => Record<string, unknown>;
};

/** Infers an action's input type from its schema. */
export function defineAction<Input extends z.ZodObject>(action: Action<Input>): Action<Input> {
  return action;
}
