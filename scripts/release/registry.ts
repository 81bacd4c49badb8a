import { run } from "../shell/commands.ts";

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** @throws {Error} where it is no digest, as after a build that was not pushed. */
export function checkedDigest(digest: string, where: string): string {
  if (!DIGEST.test(digest)) throw new Error(`${where} is no digest: ${digest}`);
  return digest;
}

/** The digest that a name has in its registry, whatever this machine knows by that name. */
export async function digestOf(name: string): Promise<string> {
  // Not `{{.Manifest.Digest}}`, for which buildx prints all that it knows.
  const inspect = ["docker", "buildx", "imagetools", "inspect", "--format={{json .Manifest}}"];
  const { digest } = JSON.parse(await run(...inspect, name));
  return checkedDigest(String(digest), name);
}

type Index = { manifests?: { digest: string; platform?: { os: string; architecture: string } }[] };

/**
 * The image of one architecture (`arm64`) out of an index, by its own digest: under the digest of the index
 * itself an engine keeps the image of one architecture only.
 *
 * @throws {Error} where the index has none.
 */
export async function imageOfArchitecture(index: string, architecture: string): Promise<string> {
  const raw = await run("docker", "buildx", "imagetools", "inspect", "--raw", index);
  const { manifests = [] }: Index = JSON.parse(raw);
  const own = manifests.find(
    ({ platform }) => platform?.os === "linux" && platform.architecture === architecture,
  );
  if (!own) throw new Error(`${index} has no image for linux/${architecture}`);
  return `${index.replace(/@.*/, "")}@${checkedDigest(own.digest, index)}`;
}

/** Gives what the sources are, joined, further tags in a repository, in their order; none moves where one source is missing. */
export async function tagImage(
  repository: string,
  tags: readonly string[],
  sources: readonly string[],
): Promise<void> {
  // One after the other: a registry may fail on one that it is looking up while it writes another.
  for (const tag of tags) {
    const name = `--tag=${repository}:${tag}`;
    await run("docker", "buildx", "imagetools", "create", name, ...sources);
  }
}
