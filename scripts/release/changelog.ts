/** A changelog that follows Keep a Changelog (https://keepachangelog.com), without links. */
export const CHANGELOG = "CHANGELOG.md";

const UNRELEASED = "## Unreleased\n";

/** What is written under Unreleased; empty where nothing is. @throws {Error} where there is no such section. */
export function unreleased(changelog: string): string {
  return splitAtUnreleased(changelog).changes.trim();
}

/** The versions that have a section, as the changelog orders them. */
export function releasedVersions(changelog: string): string[] {
  return sections(changelog)
    .map(({ name }) => name)
    .filter((name) => /^\d+\.\d+\.\d+/.test(name));
}

/** What is written under a version, with or without a `v` before it. @throws {Error} where nothing is. */
export function releaseNotes(changelog: string, version: string): string {
  const found = sections(changelog).find(({ name }) => name === version.replace(/^v/, ""));
  if (found === undefined) {
    const names = sections(changelog).map(({ name }) => name);
    throw new Error(`${CHANGELOG} has no section ${version}; it has ${names.join(", ")}`);
  }
  if (!/\w/.test(found.text)) throw new Error(`${CHANGELOG} says nothing about ${version}`);
  return found.text;
}

/** Named by `## NAME` or `## [NAME]`, whatever follows. */
function sections(changelog: string): { name: string; text: string }[] {
  return changelog
    .split(/^## /m)
    .slice(1)
    .map((section) => ({
      name: /^\[?([^\]\s]+)/.exec(section)?.[1] ?? "",
      text: section.replace(/^.*\n?/, "").trim(),
    }));
}

/** The changelog with what was unreleased under a version and its date; Unreleased is empty then. */
export function withRelease(changelog: string, version: string, date: Date): string {
  const { before, changes, after } = splitAtUnreleased(changelog);
  const heading = `## ${version} - ${date.toISOString().slice(0, 10)}\n`;
  const older = after === "" ? "" : `\n${after}`;
  return `${before}${UNRELEASED}\n${heading}\n${changes.trim()}\n${older}`;
}

function splitAtUnreleased(changelog: string) {
  const start = `\n${changelog}`.indexOf(`\n${UNRELEASED}`);
  if (start < 0) throw new Error(`${CHANGELOG} has no section "${UNRELEASED.trim()}"`);
  const rest = changelog.slice(start + UNRELEASED.length);
  const end = rest.search(/^## /m);
  return {
    before: changelog.slice(0, start),
    changes: end < 0 ? rest : rest.slice(0, end),
    after: end < 0 ? "" : rest.slice(end),
  };
}
