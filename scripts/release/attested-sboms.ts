import { isDeepStrictEqual } from "node:util";
import { copyFromImage, SBOM } from "../image/files.ts";
import { run } from "../shell/commands.ts";
import { imageOfArchitecture } from "./registry.ts";
import { ARCHITECTURES } from "./tags.ts";

const TYPE = "--type=cyclonedx";

/** What of cosign's answer is looked at (https://github.com/secure-systems-lab/dsse, https://in-toto.io). */
type Envelope = { payload: string };
type Statement = { predicate: unknown };

/**
 * Attests, keyless, what each architecture of an image is made of, as it says itself. All of it is about
 * the digest of the index, for that is what users verify.
 */
export async function attestSboms(image: string, target: string): Promise<void> {
  for (const path of Object.values(await sbomsOf(image, target))) {
    await run("cosign", "attest", "--yes", TYPE, `--predicate=${path}`, image);
  }
}

/**
 * Checks that each architecture's bill of materials is attested as it is in the image.
 *
 * @param signer cosign's options that say who has to have attested it.
 * @throws {Error} where one is not; the message names the architecture.
 */
export async function requireAttestedSboms(
  image: string,
  target: string,
  signer: readonly string[],
): Promise<void> {
  const answer = await run("cosign", "verify-attestation", TYPE, ...signer, image);
  const attested = answer.split("\n").filter(Boolean).map(predicateOf);
  for (const [architecture, path] of Object.entries(await sbomsOf(image, target))) {
    const own = await Bun.file(path).json();
    if (attested.some((each) => isDeepStrictEqual(each, own))) continue;
    throw new Error(`${image} has no attested bill of materials of ${architecture}`);
  }
}

function predicateOf(line: string): unknown {
  const { payload }: Envelope = JSON.parse(line);
  const { predicate }: Statement = JSON.parse(Buffer.from(payload, "base64").toString());
  return predicate;
}

/** Where each architecture's own is, taken out of the image. */
async function sbomsOf(image: string, target: string): Promise<Record<string, string>> {
  const paths: Record<string, string> = {};
  for (const architecture of ARCHITECTURES) {
    const path = `dist/sboms/${target}-${architecture}.cdx.json`;
    const own = await imageOfArchitecture(image, architecture);
    await copyFromImage(own, { [SBOM]: path }, architecture);
    paths[architecture] = path;
  }
  return paths;
}
