// Tells the steps after this one under which names an image is published:
//
//   bun scripts/release/tags.ts standard|tiny
import { required, setOutput } from "../shell/github.ts";
import { runMain, UsageError } from "../shell/main.ts";
import { isHighest } from "./releases.ts";

export const TARGETS = ["standard", "tiny"] as const;
export type Target = (typeof TARGETS)[number];

/** Those that each image is built for, in the order of the alphabet, as files that are called by them are. */
export const ARCHITECTURES = ["amd64", "arm64"] as const;

/** What started a run, in GitHub's words: GITHUB_EVENT_NAME, GITHUB_REF and GITHUB_SHA. */
export type Trigger = { event: string; ref: string; sha: string };

/** `fixed` names this commit alone, `moving` what was last built; both are given to what is verified only. */
export type Tags = { fixed: string[]; moving: string[] };

const MAIN = "refs/heads/main";
const RELEASE =
  /^refs\/tags\/v(?<version>(?<major>\d+)\.(?<minor>\d+)\.\d+)(?<next>-[0-9A-Za-z.-]+)?$/;
const MAX_LENGTH = 128;

/**
 * The tags of an image: those of `tiny` as they are, those of `standard` with `-standard`.
 *
 * @param released the tags of releases. `1.2` stays with the highest 1.2.x of them, `1` with the highest 1.x.
 * @throws {Error} for a tag that is no `v` and a semantic version (https://semver.org).
 */
export function imageTags(
  { event, ref, sha }: Trigger,
  target: Target,
  released: readonly string[] = [],
): Tags {
  const fixed = [`sha-${sha.slice(0, 12)}`];
  const moving = movingTags(event, ref, released);
  const named = (tag: string) => tagOfTarget(tag, target);
  return { fixed: fixed.map(named), moving: moving.map(named) };
}

/**
 * Where a run keeps what is not verified yet. It names the attempt of the run too, for main and a release
 * are two runs of one commit: under the commit's name, one could sign what the other had just put there.
 */
export function tagOfRun(run: string, attempt: string, target: Target): string {
  return tagOfTarget(`run-${run}-${attempt}`, target);
}

function tagOfTarget(tag: string, target: Target): string {
  const suffix = target === "tiny" ? "" : `-${target}`;
  return tag.slice(0, MAX_LENGTH - suffix.length) + suffix;
}

function movingTags(event: string, ref: string, released: readonly string[]): string[] {
  const number = /^refs\/pull\/(\d+)\/merge$/.exec(ref)?.[1];
  if (event === "pull_request" && number) return [`pr-${number}`];
  if (ref === MAIN) return ["main", "latest"];
  if (ref.startsWith("refs/tags/")) return versionTags(ref, released);
  return [tagOfBranch(ref.replace(/^refs\/heads\//, ""))];
}

/** A version under development, 0.x, promises nothing to who follows `0`; a pre-release nothing at all. */
function versionTags(ref: string, released: readonly string[]): string[] {
  const { version, major, minor, next } = RELEASE.exec(ref)?.groups ?? {};
  if (!version) throw new Error(`${ref} is no release; expected refs/tags/vMAJOR.MINOR.PATCH`);
  if (next) return [version + next];
  const lines = [`${major}.${minor}`, ...(major === "0" ? [] : [`${major}`])];
  return [version, ...lines.filter((line) => isHighest(`v${version}`, released, `v${line}.`))];
}

/** Docker's tags have no slash, and begin with a letter, a digit or `_`. */
function tagOfBranch(branch: string): string {
  return branch.replace(/[^\w.-]/g, "-").replace(/^[.-]+/, "") || "branch";
}

/** The repositories that images go to: GitHub's, and Docker Hub's where there is an account for it. */
export function imageRepositories(repository: string, dockerHubUser = ""): string[] {
  const [owner = "", name = ""] = repository.toLowerCase().split("/");
  const hub = dockerHubUser ? [`docker.io/${dockerHubUser.toLowerCase()}/${name}`] : [];
  return [`ghcr.io/${owner}/${name}`, ...hub];
}

/** @throws {UsageError} where it is neither of the targets. */
export function targetNamed(name: string | undefined): Target {
  const target = TARGETS.find((each) => each === name);
  if (target) return target;
  throw new UsageError(`expected one of ${TARGETS.join(", ")}, not ${name ?? "nothing"}`);
}

export function readTrigger(): Trigger {
  const [event, ref, sha] = ["EVENT_NAME", "REF", "SHA"].map((name) => required(`GITHUB_${name}`));
  return { event: event ?? "", ref: ref ?? "", sha: sha ?? "" };
}

export function readRepositories(): string[] {
  return imageRepositories(required("GITHUB_REPOSITORY"), process.env.DOCKERHUB_USERNAME);
}

function main(): void {
  const { fixed, moving } = imageTags(readTrigger(), targetNamed(process.argv[2]));
  const repositories = readRepositories();
  setOutput("repository", repositories[0] ?? "");
  const names = repositories.flatMap((each) =>
    [...fixed, ...moving].map((tag) => `${each}:${tag}`),
  );
  setOutput("names", names.join("\n"));
}

if (import.meta.main) await runMain(main);
