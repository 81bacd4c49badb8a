import { expect, test } from "bun:test";
import { titleOfService } from "./identity.ts";

test.each([
  ["thimble", "Thimble"],
  ["my-api", "My API"],
  ["reading-list-2", "Reading List 2"],
])("%s is called %s", (name, title) => {
  expect(titleOfService(name)).toBe(title);
});
