// Tells the jobs after this one which images to scan, by digest and each architecture's own: those of the last
// releases, and `latest`:
//
//   bun scripts/released-images.ts
import { run } from "./commands.ts";
import { required, setOutput } from "./github.ts";
import { ARCHITECTURES, imageTags, readRepositories, TARGETS } from "./image-tags.ts";
import { runMain } from "./main.ts";
import { digestOf, imageOfArchitecture } from "./registry.ts";

/** The last alone is supported; the one before it is for users who are slow to update. */
const RELEASES = 2;

type Release = { tagName: string; isPrerelease: boolean; isDraft: boolean };

/** The tags to scan: `latest`, and each release's own. */
export function scannedTags(releases: readonly Release[]): string[] {
  const final = releases.filter(({ isPrerelease, isDraft }) => !isPrerelease && !isDraft);
  const refs = [
    "refs/heads/main",
    ...final.slice(0, RELEASES).map(({ tagName }) => `refs/tags/${tagName}`),
  ];
  return refs.flatMap((ref) =>
    TARGETS.map((target) => {
      const { moving } = imageTags({ event: "push", ref, sha: "" }, target);
      return moving.find((tag) => tag.startsWith("latest")) ?? moving[0] ?? "";
    }),
  );
}

async function main(): Promise<void> {
  const list = ["--json=tagName,isPrerelease,isDraft", "--limit=20"];
  const repository = `--repo=${required("GITHUB_REPOSITORY")}`;
  const releases = JSON.parse(await run("gh", "release", "list", repository, ...list));
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
