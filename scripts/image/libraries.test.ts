import { describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { inTemporaryDirectory } from "../../test/service.ts";
import { architectureOf } from "../build/architecture.ts";
import { readElf } from "../build/slim/elf.ts";
import { madeUpExecutable } from "../build/slim/made-up.ts";
import { librariesOf, realPath } from "./libraries.ts";

/** The file that runs these tests, which is linked like the executable that is made of it. */
const BUN = process.execPath;

/** A system with the libraries of this one, in one folder, each as a link to a file with a version. */
async function inSystem(use: (root: string, loader: string) => void | Promise<void>) {
  await inTemporaryDirectory(async (root) => {
    const paths = librariesOf(BUN, "/");
    const { debian } = architectureOf(readElf(await Bun.file(BUN).bytes()));
    const loader = paths.find((path) => basename(path).startsWith("ld-linux")) ?? "";
    const folder = join(root, "usr/lib", debian);
    mkdirSync(folder, { recursive: true });
    mkdirSync(join(root, dirname(loader)), { recursive: true });
    copyFileSync(loader, join(root, loader));
    for (const path of paths.filter((each) => each !== loader)) {
      copyFileSync(path, join(folder, `${basename(path)}.1`));
      symlinkSync(`${basename(path)}.1`, join(folder, basename(path)));
    }
    await use(root, loader);
  });
}

describe("the libraries of an executable", () => {
  test.skipIf(!existsSync("/etc/debian_version"))("are those of ldd, in its order", () => {
    const { stdout } = Bun.spawnSync(["ldd", BUN]);
    const expected = [...stdout.toString().matchAll(/\/\S+/g)].map(([path]) => path);
    expect(expected.length).toBeGreaterThan(2);
    expect(librariesOf(BUN, "/")).toEqual(expected);
  });

  test("are looked for in its system alone", async () => {
    await inSystem((root, loader) => {
      const paths = librariesOf(BUN, root);
      expect(paths.map((path) => basename(path))).toEqual(
        librariesOf(BUN, "/").map((path) => basename(path)),
      );
      for (const path of paths) expect(path === loader || path.startsWith("/usr/lib/")).toBe(true);
    });
  });

  test("are copied to their paths as files, with the modes that they have", async () => {
    await inSystem(async (root) => {
      const out = join(root, "out");
      const command = [BUN, "scripts/image/libraries.ts", BUN, root, out];
      const { stdout, exitCode } = Bun.spawnSync(command);
      expect(exitCode).toBe(0);
      const paths = stdout.toString().trim().split("\n");
      expect(paths).toEqual(librariesOf(BUN, root));
      for (const path of paths) {
        const [copy, original] = [Bun.file(join(out, path)), Bun.file(join(root, path))];
        expect(await copy.bytes()).toEqual(await original.bytes());
        expect((await copy.stat()).mode).toBe((await original.stat()).mode);
      }
    });
  });

  test("are none, if it is static", async () => {
    await inTemporaryDirectory(async (root) => {
      const path = join(root, "static");
      writeFileSync(path, madeUpExecutable());
      expect(librariesOf(path, root)).toEqual([]);
    });
  });

  test("have to be in its system", async () => {
    await inSystem((root) => {
      const [libc = ""] = librariesOf(BUN, root);
      rmSync(join(root, libc));
      expect(() => librariesOf(BUN, root)).toThrow(/^libc\.so\.6 is in none of .+ of \/.+$/);
    });
  });
});

test("a link that leads out of a system is refused", async () => {
  await inTemporaryDirectory(async (root) => {
    symlinkSync("/etc/hostname", join(root, "link"));
    expect(() => realPath({ root, path: "/link" })).toThrow(
      `/link is a link that leads out of ${root}`,
    );
  });
});

test("an executable for a machine that has no image is refused", () => {
  const elf = readElf(madeUpExecutable());
  const riscv = { ...elf, header: { ...elf.header, machine: 243 } };
  expect(() => architectureOf(riscv)).toThrow("ELF machine 243; the images are for x64 and arm64");
});
