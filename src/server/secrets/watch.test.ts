import { afterEach, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { eventually, newDirectory } from "../../../test/service.ts";
import { type FileContents, readFrom, watchSecretFiles } from "./watch.ts";

/** Longer than any test, so that the watch must see a change, and not the poll. */
const NEVER_MS = 2 ** 31 - 1;

let watches: ReturnType<typeof watchSecretFiles>[] = [];

afterEach(() => {
  for (const watch of watches) watch.close();
  watches = [];
});

type Times = { pollMs?: number; settleMs?: number };

function open(path: string, times: Times = { settleMs: 20 }) {
  const seen: FileContents[] = [];
  const known = new Map([[path, { text: readFileSync(path, "utf8") }]]);
  const watch = watchSecretFiles({
    known,
    onChange: (contents) => seen.push(contents),
    pollMs: NEVER_MS,
    ...times,
  });
  watches.push(watch);
  const texts = () => seen.map((contents) => contents.get(path));
  const became = (text: string) =>
    eventually(`the text ${text}`, () => {
      const last = texts().at(-1);
      return (last && "text" in last && last.text === text) || undefined;
    });
  return { watch, texts, became };
}

function fileWith(text: string): string {
  const path = join(newDirectory(), "secret");
  writeFileSync(path, text);
  return path;
}

/** As Kubernetes does it: a link to a file in a directory that is itself a link, which is swapped. */
function projected(text: string) {
  const directory = newDirectory();
  let version = 0;
  const write = (content: string) => {
    version += 1;
    mkdirSync(join(directory, `..v${version}`));
    writeFileSync(join(directory, `..v${version}`, "secret"), content);
    symlinkSync(`..v${version}`, join(directory, "..data_tmp"));
    renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
    rmSync(join(directory, `..v${version - 1}`), { recursive: true, force: true });
  };
  write(text);
  symlinkSync("..data/secret", join(directory, "secret"));
  return { path: join(directory, "secret"), write };
}

describe("a change is seen", () => {
  const replacements: [how: string, replace: (path: string, text: string) => void][] = [
    ["written in place", writeFileSync],
    [
      "renamed over",
      (path, text) => {
        writeFileSync(`${path}.new`, text);
        renameSync(`${path}.new`, path);
      },
    ],
    [
      "removed and made again",
      (path, text) => {
        unlinkSync(path);
        writeFileSync(path, text);
      },
    ],
  ];
  for (const [how, replace] of replacements) {
    test(`${how}, every time`, async () => {
      const path = fileWith("one");
      const { became, texts } = open(path);
      for (const text of ["two", "three", "four"]) {
        replace(path, text);
        await became(text);
      }
      expect(texts()).toHaveLength(3);
    });
  }

  test("by a swap of links, every time", async () => {
    const { path, write } = projected("one");
    const { became } = open(path);
    for (const text of ["two", "three", "four"]) {
      write(text);
      await became(text);
    }
  });

  test("by the poll, where no watch reports it", async () => {
    const { path, write } = projected("one");
    // Only the directory of the link is watched, not the one of its target.
    const link = join(newDirectory(), "secret");
    symlinkSync(path, link);
    const { became } = open(link, { pollMs: 30, settleMs: 20 });
    for (const text of ["two", "three"]) {
      write(text);
      await became(text);
    }
  });

  test("that came before the watch", async () => {
    const path = fileWith("one");
    const known = new Map([[path, { text: "zero" }]]);
    const seen: FileContents[] = [];
    watches.push(
      watchSecretFiles({ known, onChange: (each) => seen.push(each), pollMs: NEVER_MS }),
    );
    await eventually("the change", () => seen.length > 0 || undefined);
    expect(readFrom(seen[0] ?? new Map())(path)).toBe("one");
  });
});

test("a file that is being written is not used before it stays the same for 200 ms", async () => {
  const path = fileWith("one");
  const { became, texts } = open(path, {});
  for (let part = 1; part <= 10; part += 1) {
    writeFileSync(path, "x".repeat(part));
    await Bun.sleep(100);
  }
  await became("x".repeat(10));
  expect(texts()).toHaveLength(1);
});

test("a removed file is reported with the code of the error", async () => {
  const path = fileWith("one");
  const { texts, became } = open(path);
  unlinkSync(path);
  await eventually("the file is gone", () => texts().length > 0 || undefined);
  expect(texts()).toEqual([{ code: "ENOENT" }]);
  writeFileSync(path, "two");
  await became("two");
});

test("contents that were read on request are not reported again", async () => {
  const path = fileWith("one");
  const { watch, texts, became } = open(path);
  writeFileSync(path, "two");
  const contents = await watch.read();
  expect(readFrom(contents)(path)).toBe("two");
  writeFileSync(path, "three");
  await became("three");
  expect(texts()).toEqual([{ text: "three" }]);
});

test("a file in a directory that cannot be watched is still read", async () => {
  const path = join(newDirectory(), "gone", "secret");
  const known = new Map([[path, { text: "one" }]]);
  const watch = watchSecretFiles({ known, onChange: () => {} });
  watches.push(watch);
  expect([...(await watch.read()).values()]).toEqual([{ code: "ENOENT" }]);
});

test("contents are read as files are, errors included", () => {
  const read = readFrom(
    new Map([
      ["/a", { text: "secret" }],
      ["/b", { code: "EACCES" }],
    ]),
  );
  const codeOf = (path: string) => {
    try {
      return read(path);
    } catch (error) {
      return (error as { code?: unknown }).code;
    }
  };
  expect(["/a", "/b", "/c"].map(codeOf)).toEqual(["secret", "EACCES", "ENOENT"]);
});
