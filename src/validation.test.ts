import { expect, test } from "bun:test";
import { z } from "zod";
import { lazySchema } from "./validation.ts";

test("a lazy schema is made when it is first used, and only once", () => {
  let made = 0;
  const schema = lazySchema(() => {
    made += 1;
    return z.object({ name: z.string() });
  });
  const input = z.object({ first: schema, second: schema.optional() });
  expect(made).toBe(0);
  const value = { first: { name: "Emma" }, second: { name: "Persuasion" } };
  expect([input.parse(value), input.parse(value)]).toEqual([value, value]);
  z.toJSONSchema(input);
  // Like the generator of the OpenAPI document.
  expect(schema.def.getter()).toBe(schema.unwrap());
  expect(made).toBe(1);
});
