// Prints the notes of a release, out of CHANGELOG.md:
//
//   bun scripts/release-notes.ts VERSION
import { runMain } from "./github.ts";

const CHANGELOG = new URL("../CHANGELOG.md", import.meta.url).pathname;

/**
 * What a changelog (https://keepachangelog.com) says under `## VERSION`, `## [VERSION]` or either with
 * a date behind it.
 *
 * @throws {Error} where there is no such section, or nothing in it.
 */
export function releaseNotes(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const found = sections.find((section) => nameOf(section) === version.replace(/^v/, ""));
  if (found === undefined) {
    throw new Error(
      `CHANGELOG.md has no section ${version}; it has ${sections.map(nameOf).join(", ")}`,
    );
  }
  const notes = found
    .slice(found.indexOf("\n"))
    .replace(/^\[[^\]]+\]: \S+$/gm, "")
    .trim();
  if (!/\w/.test(notes)) throw new Error(`CHANGELOG.md says nothing about ${version}`);
  return notes;
}

function nameOf(section: string): string {
  return /^\[?([^\]\s]+)/.exec(section)?.[1] ?? "";
}

export async function readReleaseNotes(version: string): Promise<string> {
  return releaseNotes(await Bun.file(CHANGELOG).text(), version);
}

async function main(): Promise<void> {
  const version = process.argv[2];
  if (!version) throw new Error("expected a version, such as 1.2.3 or Unreleased");
  console.log(await readReleaseNotes(version));
}

if (import.meta.main) await runMain(main);
