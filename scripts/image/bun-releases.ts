// Asks the repositories of what is linked into Bun which release each commit is, and writes the answers to
// bun-releases.json. For after an update of Bun; it needs git and GitHub:
//
//   bun scripts/image/bun-releases.ts
import { versions } from "node:process";
import { run } from "../shell/commands.ts";
import { runMain } from "../shell/main.ts";
import { isFork, LIBRARIES } from "./bun-libraries.ts";

const FILE = "scripts/image/bun-releases.json";

/**
 * The release of a commit, by the output of `git ls-remote --tags`; null for a commit between two
 * releases.
 */
export function releaseIn(tags: string, commit: string): string | null {
  const found = tags
    .split("\n")
    .filter((line) => line.startsWith(commit))
    .flatMap((line) => /refs\/tags\/v?(\d+(?:\.\d+)+)(?:\^\{\})?$/.exec(line)?.[1] ?? []);
  return found[0] ?? null;
}

async function main(): Promise<void> {
  const answers: Record<string, { commit: string; release: string | null }> = {};
  for (const [key, { repository }] of Object.entries(LIBRARIES)) {
    const commit = versions[key] ?? "";
    if (isFork(repository) || !/^[0-9a-f]{40}$/.test(commit)) continue;
    const tags = await run("git", "ls-remote", "--tags", `https://github.com/${repository}`);
    answers[repository] = { commit, release: releaseIn(tags, commit) };
  }
  await Bun.write(FILE, `${JSON.stringify(answers, null, 2)}\n`);
}

if (import.meta.main) await runMain(main);
