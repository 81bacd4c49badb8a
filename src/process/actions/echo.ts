import { z } from "zod";
import { defineAction } from "../action.ts";

export const echo = defineAction({
  name: "echo",
  description: "Answers the data it is given.",
  input: z.strictObject({
    data: z.unknown().default({}).meta({ description: "Any JSON value." }),
  }),
  run: ({ data }) => ({ data }),
});
