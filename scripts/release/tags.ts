import { required } from "../shell/github.ts";
import { UsageError } from "../shell/main.ts";
import { isHighest } from "./releases.ts";

export const TARGETS = ["standard", "tiny"] as const;
export type Target = (typeof TARGETS)[number];

/** Those that each image is built for, in the order of the alphabet, as files that are called by them are. */
export const ARCHITECTURES = ["amd64", "arm64"] as const;

/** What started a run, in GitHub's words: GITHUB_REF and GITHUB_SHA. */
export type Trigger = { ref: string; sha: string };

/** `fixed` names this commit alone, `moving` what was last built; both are given to what is verified only. */
export type Tags = { fixed: string[]; moving: string[] };

const MAIN = "refs/heads/main";
const RELEASE =
  /^refs\/tags\/v(?<version>(?<major>\d+)\.(?<minor>\d+)\.\d+)(?<next>-[0-9A-Za-z.-]+)?$/;

/**
 * The tags of an image: those of `tiny` as they are, those of `standard` with `-standard`.
 *
 * @param released the tags of releases. `1.2` stays with the highest 1.2.x of them, `1` with the highest 1.x.
 * @throws {Error} for what is neither main nor a tag of `v` and a semantic version (https://semver.org).
 */
export function imageTags(
  { ref, sha }: Trigger,
  target: Target,
  released: readonly string[] = [],
): Tags {
  const fixed = [`sha-${sha.slice(0, 12)}`];
  const moving = movingTags(ref, released);
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
  return target === "tiny" ? tag : `${tag}-${target}`;
}

/** A version under development, 0.x, promises nothing to users of `0`; a pre-release nothing at all. */
function movingTags(ref: string, released: readonly string[]): string[] {
  if (ref === MAIN) return ["main", "latest"];
  const { version, major, minor, next } = RELEASE.exec(ref)?.groups ?? {};
  if (!version) throw new Error(`${ref} is no release; expected refs/tags/vMAJOR.MINOR.PATCH`);
  if (next) return [version + next];
  const lines = [`${major}.${minor}`, ...(major === "0" ? [] : [`${major}`])];
  return [version, ...lines.filter((line) => isHighest(`v${version}`, released, `v${line}.`))];
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
  return { ref: required("GITHUB_REF"), sha: required("GITHUB_SHA") };
}

export function readRepositories(): string[] {
  return imageRepositories(required("GITHUB_REPOSITORY"), process.env.DOCKERHUB_USERNAME);
}
