// Tells the jobs after this one which images to scan, by digest and each architecture's own: those of the last
// releases, and `latest`:
//
//   bun scripts/release/scanned-images.ts
import { setOutput } from "../shell/github.ts";
import { runMain } from "../shell/main.ts";
import { digestOf, imageOfArchitecture } from "./registry.ts";
import { finalTags, listReleases, type Release } from "./releases.ts";
import { ARCHITECTURES, imageTags, readRepositories, TARGETS } from "./tags.ts";

/** The last alone is supported; the one before it is for users who are slow to update. */
const RELEASES = 2;

/** The tags to scan: `latest`, and each release's own. */
export function scannedTags(releases: readonly Release[]): string[] {
  const newest = finalTags(releases).slice(0, RELEASES);
  const refs = ["refs/heads/main", ...newest.map((tag) => `refs/tags/${tag}`)];
  return refs.flatMap((ref) =>
    TARGETS.map((target) => {
      const { moving } = imageTags({ ref, sha: "" }, target);
      return moving.find((tag) => tag.startsWith("latest")) ?? moving[0] ?? "";
    }),
  );
}

async function main(): Promise<void> {
  const releases = await listReleases();
  const [images = ""] = readRepositories();
  const found: { tag: string; architecture: string; image: string }[] = [];
  for (const tag of scannedTags(releases)) {
    const index = `${images}@${await digestOf(`${images}:${tag}`)}`;
    for (const architecture of ARCHITECTURES) {
      const image = await imageOfArchitecture(index, architecture);
      found.push({ tag, architecture, image });
    }
  }
  setOutput("images", JSON.stringify(found));
}

if (import.meta.main) await runMain(main);
