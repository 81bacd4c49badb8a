import { expect, test } from "bun:test";
import { name } from "../package.json" with { type: "json" };
import { titleOfService } from "./identity.ts";

test.each([
  ["thimble", "Thimble"],
  ["my-api", "My API"],
  ["reading-list-2", "Reading List 2"],
])("%s is called %s", (name, title) => {
  expect(titleOfService(name)).toBe(title);
});

test("no code of the service says its name: it comes from package.json", async () => {
  const files = await Array.fromAsync(new Bun.Glob("**/*.ts").scan(import.meta.dir));
  const own = files.filter((file) => !file.endsWith(".test.ts"));
  expect(own).not.toBeEmpty();
  const saying = own.map(async (file) => {
    const lines = (await Bun.file(`${import.meta.dir}/${file}`).text()).split("\n");
    const isComment = (line: string) => /^\s*(\*|\/\*|\/\/)/.test(line);
    return lines
      .filter((line) => !isComment(line) && line.toLowerCase().includes(name))
      .map((line) => `${file}: ${line}`);
  });
  expect((await Promise.all(saying)).flat()).toEqual([]);
});
