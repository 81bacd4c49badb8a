// Names the base images in the Dockerfiles by their digests, which are looked up in the registry:
//
//   bun scripts/image/base-images.ts [DOCKERFILE]...
//
// Dependabot does it afterwards. It takes images that are named in full, without a variable.

import { digestOf } from "../release/registry.ts";
import { runMain } from "../shell/main.ts";

const DOCKERFILES = "**/{Dockerfile,*.Dockerfile}";

/** An image in a FROM line: all before it, its name with the tag, its digest, all after it. */
const FROM = /^(FROM (?:--\S+ )*)([^\s@]+)(@sha256:[0-9a-f]{64})?(.*)$/gm;

/** The paths of all Dockerfiles, relative to the root of the repository. */
export function findDockerfiles(): string[] {
  const paths = [...new Bun.Glob(DOCKERFILES).scanSync()];
  return paths.filter((path) => !path.includes("node_modules/")).toSorted();
}

type Base = { image: string; digest: string | undefined };

/** The images that a Dockerfile is built on, without its own stages. */
export function basesOf(dockerfile: string): Base[] {
  const froms = [...dockerfile.matchAll(FROM)];
  const stages = new Set([
    "scratch",
    ...froms.map(([, , , , rest]) => / AS (\S+)/.exec(rest ?? "")?.[1]),
  ]);
  return froms
    .map(([, , image = "", digest]) => ({ image, digest: digest?.slice(1) }))
    .filter(({ image }) => !stages.has(image));
}

/** The Dockerfile with the digest of each image that is named in full. */
export async function pinBases(
  dockerfile: string,
  lookUp: (image: string) => Promise<string>,
): Promise<string> {
  const images = new Set(basesOf(dockerfile).map(({ image }) => image));
  const digests = new Map<string, string>();
  for (const image of images) if (!image.includes("$")) digests.set(image, await lookUp(image));
  return dockerfile.replace(FROM, (line, before, image, _, after) => {
    const digest = digests.get(image);
    return digest === undefined ? line : `${before}${image}@${digest}${after}`;
  });
}

async function main(paths: readonly string[]): Promise<void> {
  for (const path of paths.length > 0 ? paths : findDockerfiles()) {
    const text = await Bun.file(path).text();
    await Bun.write(path, await pinBases(text, digestOf));
  }
}

if (import.meta.main) await runMain(() => main(process.argv.slice(2)));
