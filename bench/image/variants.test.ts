import { describe, expect, test } from "bun:test";
import { BUILD_ARGUMENTS, baseImages, chooseVariants, findVariants } from "./variants.ts";

const variants = findVariants();

describe("the variants", () => {
  test("are the Dockerfiles of the folder and the project's targets", () => {
    const names = variants.map(({ name }) => name);
    expect(names).toEqual(["debian", "modules", "naive", "upx", "standard", "tiny"]);
  });

  test("are described by the first line of their Dockerfile", () => {
    expect(variants[0]).toEqual({
      name: "debian",
      description: "Compiled, on Debian slim",
      dockerfile: "bench/image/debian.Dockerfile",
    });
  });

  test("bring the build script with every script that it imports", async () => {
    const source = await Bun.file("scripts/build/executable.ts").text();
    const imported = [...source.matchAll(/from "\.\/(.+?)"/g)].map(
      ([, name]) => `scripts/build/${name}`,
    );
    for (const { name, dockerfile } of variants) {
      const copied = await Bun.file(dockerfile).text();
      if (!copied.includes("bun scripts/build/executable.ts")) continue;
      const whole = copied.includes("COPY scripts/build scripts/build");
      const missing = imported.filter((script) => !whole && !copied.includes(script));
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
