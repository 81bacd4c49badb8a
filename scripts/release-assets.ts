import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { run } from "./commands.ts";

export const RELEASE_DIRECTORY = "dist/release";
const PLATFORMS = ["linux/amd64", "linux/arm64"];
const SUMS = `${RELEASE_DIRECTORY}/SHA256SUMS`;

/** `thimble-1.2.3-linux-arm64`, of `v1.2.3` and `linux/arm64`. */
export function assetName(version: string, platform: string): string {
  return `thimble-${version.replace(/^v/, "")}-${platform.replaceAll("/", "-")}`;
}

/** The container is never started, so it may be of another architecture than this machine. */
async function extract(version: string, image: string, platform: string): Promise<void> {
  const path = `${RELEASE_DIRECTORY}/${assetName(version, platform)}`;
  const id = await run("docker", "create", `--platform=${platform}`, image);
  try {
    await run("docker", "cp", `${id}:/thimble`, path);
    await run("docker", "cp", `${id}:/sbom.cdx.json`, `${path}.sbom.cdx.json`);
  } finally {
    await run("docker", "rm", "--volumes", id);
  }
}

/** In the form that `sha256sum --check` reads. */
async function checksums(): Promise<string> {
  const names = readdirSync(RELEASE_DIRECTORY).toSorted();
  const lines = names.map(async (name) => {
    const bytes = await Bun.file(`${RELEASE_DIRECTORY}/${name}`).bytes();
    return `${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}  ${name}\n`;
  });
  return (await Promise.all(lines)).join("");
}

/**
 * Fills dist/release with an executable and its bill of materials for each platform, and SHA256SUMS. They
 * are taken out of the `standard` image, so they are what was signed and verified, to the byte.
 */
export async function takeAssets(
  version: string,
  image: string,
  platforms: readonly string[] = PLATFORMS,
): Promise<void> {
  rmSync(RELEASE_DIRECTORY, { recursive: true, force: true });
  mkdirSync(RELEASE_DIRECTORY, { recursive: true });
  for (const platform of platforms) await extract(version, image, platform);
  await Bun.write(SUMS, await checksums());
}
