import { run } from "../shell/commands.ts";
import { required } from "../shell/github.ts";

export type Release = { tagName: string; isPrerelease: boolean };

/** What is released on GitHub, newest first. */
export async function listReleases(): Promise<Release[]> {
  const repository = `--repo=${required("GITHUB_REPOSITORY")}`;
  const list = ["--exclude-drafts", "--json=tagName,isPrerelease", "--limit=1000"];
  return JSON.parse(await run("gh", "release", "list", repository, ...list));
}

/** The tags of all but pre-releases. */
export function finalTags(releases: readonly Release[]): string[] {
  return releases.filter(({ isPrerelease }) => !isPrerelease).map(({ tagName }) => tagName);
}

/** Whether no tag that begins with `prefix`, such as `v1.`, is of a higher version. */
export function isHighest(tag: string, others: readonly string[], prefix = "v"): boolean {
  const rivals = others.filter((other) => other.startsWith(prefix));
  return rivals.every((other) => Bun.semver.order(other.slice(1), tag.slice(1)) <= 0);
}
