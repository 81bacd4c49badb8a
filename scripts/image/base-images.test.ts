import { describe, expect, test } from "bun:test";
import { dirname } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { basesOf, findDockerfiles, pinBases } from "./base-images.ts";

/** These may go without a digest; a commit that pins one removes it here. */
const UNPINNED: Readonly<Record<string, string>> = {
  [`Dockerfile: oven/bun:${packageJson.packageManager.replace("bun@", "")}-slim`]:
    "nobody has looked it up yet",
  "test/container/signing/Dockerfile: debian:trixie-slim": "nobody has looked it up yet",
  ...Object.fromEntries(
    ["debian", "deno", "flask", "go", "node", "upx"].map((name) => [
      `bench/image/${name}.Dockerfile: debian:trixie-slim`,
      "measured as people build it",
    ]),
  ),
  ...Object.fromEntries(
    ["debian", "deno", "modules", "naive", "node-single", "node", "upx"].map((name) => [
      `bench/image/${name}.Dockerfile: oven/bun:\${BUN_VERSION}-slim`,
      "the version is that of package.json",
    ]),
  ),
};

const DIGEST = `sha256:${"1".repeat(64)}`;
const DOCKERFILE = `ARG VERSION=1
FROM --platform=linux/amd64 debian:trixie-slim@${DIGEST} AS base
FROM base AS build
FROM oven/bun:\${VERSION}-slim
FROM registry.example:5000/some/image:2 AS other
FROM scratch
COPY --from=build /a /b
`;

test("the base images of a Dockerfile are not its stages", () => {
  expect(basesOf(DOCKERFILE)).toEqual([
    { image: "debian:trixie-slim", digest: DIGEST },
    { image: `oven/bun:\${VERSION}-slim`, digest: undefined },
    { image: "registry.example:5000/some/image:2", digest: undefined },
  ]);
});

test("images that are named in full get the digest of today, and nothing else changes", async () => {
  const today = `sha256:${"2".repeat(64)}`;
  const asked: string[] = [];
  const pinned = await pinBases(DOCKERFILE, async (image) => {
    asked.push(image);
    return today;
  });
  expect(asked).toEqual(["debian:trixie-slim", "registry.example:5000/some/image:2"]);
  expect(pinned).toBe(
    DOCKERFILE.replace(DIGEST, today).replace("some/image:2", `some/image:2@${today}`),
  );
});

describe("the base images of this repository", async () => {
  const dockerfiles = await Promise.all(
    findDockerfiles().map(async (path) => ({ path, text: await Bun.file(path).text() })),
  );

  test("are named by digest, but for known ones", () => {
    const unpinned = dockerfiles.flatMap(({ path, text }) =>
      basesOf(text).flatMap(({ image, digest }) => (digest ? [] : [`${path}: ${image}`])),
    );
    const paths = dockerfiles.map(({ path }) => `${path}: `);
    const known = Object.keys(UNPINNED).filter((each) =>
      paths.some((path) => each.startsWith(path)),
    );
    expect([...new Set(unpinned)].toSorted()).toEqual(known.toSorted());
  });

  test("are kept current by Dependabot, which does not read variables", async () => {
    const { updates } = Bun.YAML.parse(await Bun.file(".github/dependabot.yml").text()) as {
      updates: { "package-ecosystem": string; directories?: string[] }[];
    };
    const docker = updates.find((each) => each["package-ecosystem"] === "docker");
    const folders = dockerfiles.map(({ path }) => `/${dirname(path)}`.replace(/^\/\.$/, "/"));
    expect(docker?.directories?.toSorted()).toEqual([...new Set(folders)].toSorted());
    for (const { text } of dockerfiles) {
      for (const { image, digest } of basesOf(text)) if (digest) expect(image).not.toContain("$");
    }
  });
});
