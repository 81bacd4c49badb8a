import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inTemporaryDirectory } from "../../../test/service.ts";
import { CommandError, EXIT } from "../../server/failure.ts";
import { openInput } from "./input.ts";
import { readLines } from "./lines.ts";

async function* chunks(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

test("standard input is kept in a file without a name, to be read more than once", async () => {
  await inTemporaryDirectory(async (directory) => {
    const input = await openInput("-", directory, chunks("on", "e\ntw", "o"));
    expect(readdirSync(join(directory, "tmp"))).toEqual([]);
    expect(input).toMatchObject({ name: "standard input", bytes: 7 });
    for (const _pass of [1, 2]) {
      expect([...readLines(input.fd)]).toEqual([
        { number: 1, end: 4, text: "one" },
        { number: 2, end: 7, text: "two" },
      ]);
    }
    input.close();
  });
});

test("a directory for it that cannot be made is said", async () => {
  await inTemporaryDirectory(async (directory) => {
    writeFileSync(join(directory, "tmp"), "");
    const opened = openInput("-", directory, chunks("one"));
    await expect(opened).rejects.toThrow(/^cannot write .+: what it should be in is no directory$/);
    expect(readFileSync(join(directory, "tmp"), "utf8")).toBe("");
  });
});

test.each([
  ["/no/such/file", "there is no such file"],
  ["/dev/null", 'it is no regular file; "-" reads a pipe'],
])("%s cannot be read", async (path, why) => {
  const opened = openInput(path, ".");
  await expect(opened).rejects.toThrow(
    new CommandError(EXIT.noInput, `cannot read ${path}: ${why}`),
  );
});
