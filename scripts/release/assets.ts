import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { name } from "../../package.json" with { type: "json" };
import { copyFromImage, SBOM } from "../image/files.ts";

export const RELEASE_DIRECTORY = "dist/release";
const SUMS = `${RELEASE_DIRECTORY}/SHA256SUMS`;

async function extract(version: string, image: string, architecture: string): Promise<void> {
  const file = `${name}-${version.replace(/^v/, "")}-linux-${architecture}`;
  const path = `${RELEASE_DIRECTORY}/${file}`;
  await copyFromImage(image, { [`/${name}`]: path, [SBOM]: `${path}.sbom.cdx.json` }, architecture);
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
 * Fills dist/release with an executable and its bill of materials for each architecture, and SHA256SUMS. They
 * are taken out of the `standard` images, so they are what was signed and verified, to the byte.
 *
 * @param images by the architectures that they are of.
 */
export async function takeAssets(
  version: string,
  images: Readonly<Record<string, string>>,
): Promise<void> {
  rmSync(RELEASE_DIRECTORY, { recursive: true, force: true });
  mkdirSync(RELEASE_DIRECTORY, { recursive: true });
  for (const [architecture, image] of Object.entries(images)) {
    await extract(version, image, architecture);
  }
  await Bun.write(SUMS, await checksums());
}
