import { describe, expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { BUILD_ARGUMENTS, baseImages, chooseVariants, findVariants } from "./variants.ts";

const variants = findVariants();

describe("the variants", () => {
  test("are the Dockerfiles of the folder and the project's targets", () => {
    const names = variants.map(({ name }) => name);
    expect(names).toEqual([
      ...["debian", "deno", "flask", "go", "modules", "naive", "node-single", "node", "upx"],
      ...["standard", "tiny"],
    ]);
  });

  test("are described by the first line of their Dockerfile", () => {
    expect(variants[0]).toEqual({
      name: "debian",
      description: "Compiled, on Debian slim",
      dockerfile: "bench/image/debian.Dockerfile",
    });
  });

  test("bring the build script with the folder of every script that it imports", async () => {
    const script = "scripts/build/executable.ts";
    const imports = (await Bun.file(script).text()).matchAll(/from "(\..+?)"/g);
    const folders = [...imports].map(([, path = ""]) => dirname(join(dirname(script), path)));
    expect(folders).not.toBeEmpty();
    for (const { name, dockerfile } of variants) {
      const copied = await Bun.file(dockerfile).text();
      if (!copied.includes(`bun ${script}`)) continue;
      const copies = [...copied.matchAll(/^COPY (\S+) \1$/gm)].map(
        ([, folder = ""]) => `${folder}/`,
      );
      const missing = folders.filter(
        (folder) => !copies.some((copy) => `${folder}/`.startsWith(copy)),
      );
      expect({ name, missing }).toEqual({ name, missing: [] });
    }
  });

  test("are chosen by name", () => {
    const chosen = chooseVariants(variants, ["tiny", "naive"]);
    expect(chosen.map(({ name }) => name)).toEqual(["naive", "tiny"]);
    expect(chooseVariants(variants, [])).toEqual(variants);
    expect(() => chooseVariants(variants, ["big"])).toThrow("there is no variant big; there are");
  });
});

describe("base images", () => {
  test("are what a Dockerfile starts from, apart from its own stages and scratch", () => {
    const dockerfile = `ARG OTHER=debian:trixie-slim
FROM oven/bun:\${BUN_VERSION}-slim AS build
FROM $OTHER
FROM build AS again
FROM scratch
COPY --from=build / /
`;
    expect(baseImages(dockerfile)).toEqual([
      `oven/bun:${BUILD_ARGUMENTS.BUN_VERSION}-slim`,
      "debian:trixie-slim",
    ]);
  });
});
