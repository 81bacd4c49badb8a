import { z } from "zod";
import { defineAction } from "../action.ts";

export const echo = defineAction({
  name: "echo",
  description: "Returns the data that it receives, and its numbers as they are written.",
  example: { data: { hello: "world" } },
  input: z.strictObject({
    data: z.unknown().default({}).meta({ description: "Any JSON value." }),
  }),
  run: ({ data }) => ({ data }),
});
