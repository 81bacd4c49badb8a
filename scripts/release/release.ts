// Makes a release of what is on main, up to its tag; pushing it is left to you:
//
//   bun run release 1.0.0
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { SERVICE } from "../../src/identity.ts";
import { runMain, UsageError } from "../shell/main.ts";
import { CHANGELOG, releasedVersions, unreleased, withRelease } from "./changelog.ts";
import { VERSIONED_FILES, withVersion } from "./versioned-files.ts";

const MANIFEST = "package.json";

/** Checks that the project in the working directory can be released as `version`. @throws {Error} why not. */
function requireReleasable(version: string): void {
  const branch = git("branch", "--show-current");
  if (branch !== "main") throw new Error(`releases are made on main, this is ${branch || "none"}`);
  requireClean();
  requireHigher(version);
  if (unreleased(read(CHANGELOG)) === "") {
    throw new Error(`${CHANGELOG} says nothing under Unreleased; what does ${version} change?`);
  }
}

function requireClean(): void {
  const changed = git("status", "--porcelain");
  if (changed !== "") throw new Error(`there are changes that are not committed:\n${changed}`);
}

/** Higher than every release; the version that package.json already has may be its first. */
function requireHigher(version: string): void {
  const tagged = git("tag", "--list", "v*")
    .split("\n")
    .map((tag) => tag.replace(/^v/, ""));
  const released = [...tagged, ...releasedVersions(read(CHANGELOG))].filter(isVersion);
  const last = released.toSorted(Bun.semver.order).at(-1);
  if (last !== undefined && Bun.semver.order(version, last) <= 0) {
    throw new Error(`${version} is not higher than ${last}, which is released`);
  }
  const { version: next } = JSON.parse(read(MANIFEST));
  if (Bun.semver.order(version, next) < 0) {
    throw new Error(`${version} is lower than ${next}, which ${MANIFEST} says is next`);
  }
}

/** Those of https://semver.org, pre-releases too, without build metadata, which no image's tag can have. */
function isVersion(text: string): boolean {
  const number = "(?:0|[1-9]\\d*)";
  const identifier = `(?:${number}|\\d*[a-zA-Z-][0-9a-zA-Z-]*)`;
  const version = `${number}(?:\\.${number}){2}(?:-${identifier}(?:\\.${identifier})*)?`;
  return new RegExp(`^${version}$`).test(text);
}

/** All that has to hold before a change lands, for the user to see. @throws {Error} where it does not. */
function runChecks(): void {
  const command = [process.execPath, "run", "check"];
  const { success } = Bun.spawnSync(command, { stdio: ["ignore", "inherit", "inherit"] });
  if (!success) throw new Error("the checks failed");
  requireClean();
}

/** Commits the release and tags it, or else leaves everything as it was. */
function commitAndTag(version: string): void {
  const head = git("rev-parse", "HEAD");
  const changes = unreleased(read(CHANGELOG));
  try {
    writeRelease(version);
    git("commit", "--quiet", `--message=Release ${version}`, "--", ...writtenFiles());
    // Else git would take the changelog's headings for comments.
    const message = `--message=${SERVICE.title} ${version}\n\n${changes}`;
    git("tag", "--annotate", "--cleanup=whitespace", message, `v${version}`);
  } catch (error) {
    git("reset", "--quiet", "--soft", head);
    git("restore", "--staged", "--worktree", ...writtenFiles());
    throw error;
  }
}

function writeRelease(version: string): void {
  writeFileSync(CHANGELOG, withRelease(read(CHANGELOG), version, new Date()));
  const manifest = read(MANIFEST);
  // Only the version's own text, so that the file stays formatted as it is.
  writeFileSync(MANIFEST, manifest.replace(/^(\s*"version": ")[^"]*/m, `$1${version}`));
  for (const path of presentFiles()) writeFileSync(path, withVersion(path, read(path), version));
}

/** A fork may have removed what it does not use. */
const presentFiles = () => VERSIONED_FILES.filter((path) => existsSync(path));

const writtenFiles = () => [CHANGELOG, MANIFEST, ...presentFiles()];

function read(path: string): string {
  return readFileSync(path, "utf8");
}

/** @throws {Error} with what git says. */
function git(...args: string[]): string {
  const { success, stdout, stderr } = Bun.spawnSync(["git", ...args]);
  if (!success) throw new Error(`git ${args[0]} failed: ${stderr.toString().trim()}`);
  return stdout.toString().trim();
}

function release(version: string): void {
  requireReleasable(version);
  runChecks();
  commitAndTag(version);
  console.log(`v${version} is committed and tagged, here only. To publish it, have it checked on a branch first,
for main takes only what has passed:

  git push origin main:release-${version}

and, when Required has passed there:

  git push --atomic origin main v${version}
  git push --delete origin release-${version}

To take it back before that:

  git tag --delete v${version} && git reset --keep HEAD~1`);
}

function main(): void {
  const [version = "", ...rest] = process.argv.slice(2);
  if (!isVersion(version) || rest.length > 0) {
    throw new UsageError("expected VERSION, which is 1.0.0 or a pre-release such as 1.0.0-rc.1");
  }
  try {
    release(version);
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    throw new Error(`${reason}; nothing is changed`, { cause: error });
  }
}

if (import.meta.main) await runMain(main);
