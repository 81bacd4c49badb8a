// The steps by which images that were pushed by digest become public, in this order. Each takes what it
// needs from GitHub's variables and from files, and ends the run where anything is not as it should be:
//
//   bun scripts/release/publish.ts check                looks whether a tag can be released, and says where images go
//   bun scripts/release/publish.ts record TARGET ARCH   keeps DIGEST, of the image that was built, in digests/
//   bun scripts/release/publish.ts index TARGET         joins a target's digests under a tag of the run
//   bun scripts/release/publish.ts sign TARGET          signs it, keyless, by digest, and attests what it is made of
//   bun scripts/release/publish.ts verify TARGET        checks all that is signed, runs it, asks its health
//   bun scripts/release/publish.ts promote              moves the tags that users have, `latest` among them
//   bun scripts/release/publish.ts download             takes what a release offers out of the image
//   bun scripts/release/publish.ts release              makes the release on GitHub, of what is in dist/release
import { mkdirSync, readdirSync } from "node:fs";
import { checkAnswers } from "../image/check-answers.ts";
import { run } from "../shell/commands.ts";
import { required, setOutput } from "../shell/github.ts";
import { runMain, UsageError } from "../shell/main.ts";
import { RELEASE_DIRECTORY, takeAssets } from "./assets.ts";
import { attestSboms, requireAttestedSboms } from "./attested-sboms.ts";
import { CHANGELOG, releaseNotes } from "./changelog.ts";
import { checkedDigest, digestOf, imageOfArchitecture, tagImage } from "./registry.ts";
import { finalTags, isHighest, listReleases } from "./releases.ts";
import {
  ARCHITECTURES,
  imageTags,
  readRepositories,
  readTrigger,
  TARGETS,
  type Target,
  type Trigger,
  tagOfRun,
  targetNamed,
} from "./tags.ts";
import { requireProvenance, requireSignature, signerOptions } from "./verification.ts";

const DIGESTS = "digests";
const PUBLISHED = "published";

/** What `index` published of a target. */
export async function publishedDigest(target: Target): Promise<string> {
  const path = `${PUBLISHED}/${target}`;
  const file = Bun.file(path);
  if (!(await file.exists())) throw new Error(`there is no ${path}; publish.ts index writes it`);
  return checkedDigest((await file.text()).trim(), path);
}

/**
 * A tag that somebody made by hand may be one that package.json does not have, or that CHANGELOG.md does not
 * speak of: found out before anything is pushed, and again before a tag moves.
 */
async function check(): Promise<void> {
  const tag = tagOf(required("GITHUB_REF"));
  if (tag === undefined) return;
  const { version } = await Bun.file("package.json").json();
  if (tag !== `v${version}`) {
    throw new Error(`${tag} is no tag of package.json's version; expected v${version}`);
  }
  releaseNotes(await Bun.file(CHANGELOG).text(), tag);
}

function tagOf(ref: string): string | undefined {
  return /^refs\/tags\/(.+)$/.exec(ref)?.[1];
}

async function record(target: Target, architecture: string | undefined): Promise<void> {
  if (!architecture) throw new UsageError("expected record TARGET ARCH");
  mkdirSync(DIGESTS, { recursive: true });
  const digest = checkedDigest(required("DIGEST"), "DIGEST");
  await Bun.write(`${DIGESTS}/${target}-${architecture}`, digest);
}

/** Every architecture has to be there: an index that lacks one would pass all that follows. */
function recordedNames(target: Target): string[] {
  const names = readdirSync(DIGESTS).filter((name) => name.startsWith(`${target}-`));
  const expected = ARCHITECTURES.map((architecture) => `${target}-${architecture}`);
  if (names.toSorted().join() === expected.join()) return expected;
  throw new Error(
    `expected ${expected.join(" and ")} in ${DIGESTS}, found ${names.join(" and ") || "nothing"}`,
  );
}

async function recordedDigest(name: string): Promise<string> {
  return checkedDigest((await Bun.file(`${DIGESTS}/${name}`).text()).trim(), name);
}

async function index(target: Target): Promise<void> {
  const digests = await Promise.all(recordedNames(target).map(recordedDigest));
  const [first = "", ...others] = readRepositories();
  const tag = tagOfRun(required("GITHUB_RUN_ID"), required("GITHUB_RUN_ATTEMPT"), target);
  const parts = digests.map((digest) => `${first}@${digest}`);
  await tagImage(first, [tag], parts);
  const digest = await digestOf(`${first}:${tag}`);
  for (const repository of others) await tagImage(repository, [tag], [`${first}@${digest}`]);
  mkdirSync(PUBLISHED, { recursive: true });
  await Bun.write(`${PUBLISHED}/${target}`, digest);
  setOutput("repository", first);
  setOutput("digest", digest);
}

async function sign(target: Target): Promise<void> {
  const digest = await publishedDigest(target);
  for (const repository of readRepositories()) {
    const image = `${repository}@${digest}`;
    await run("cosign", "sign", "--yes", "--recursive", image);
    await attestSboms(image, target);
  }
}

/** Nothing is run before all that is signed is found to be so, in every repository. */
async function verify(target: Target): Promise<void> {
  const digest = await publishedDigest(target);
  const images = readRepositories().map((repository) => `${repository}@${digest}`);
  for (const image of images) {
    await requireSignature(image);
    await requireAttestedSboms(image, target, signerOptions());
  }
  const [first = ""] = images;
  await requireProvenance(first);
  for (const image of images) {
    await run("docker", "pull", "--quiet", image);
    const { version } = await checkAnswers(image);
    console.log(`${image} is signed, attested and healthy: ${version}`);
  }
  setOutput("image", first);
}

/** All targets are looked up before the first tag moves. */
async function promote(): Promise<void> {
  await check();
  const trigger = readTrigger();
  const images = await Promise.all(
    TARGETS.map(async (target) => ({ target, digest: await publishedDigest(target) })),
  );
  const overtaken = await isOvertaken(trigger);
  const released = await earlierReleases(trigger);
  for (const { target, digest } of images) {
    const { fixed, moving } = imageTags(trigger, target, released);
    const tags = overtaken ? fixed : [...fixed, ...moving];
    for (const repository of readRepositories()) {
      await tagImage(repository, tags, [`${repository}@${digest}`]);
    }
  }
}

/** Whether an old run on main is run again; newer commits have the tags of main then, and keep them. */
async function isOvertaken({ ref, sha }: Trigger): Promise<boolean> {
  if (ref !== "refs/heads/main" || required("GITHUB_RUN_ATTEMPT") === "1") return false;
  const main = `repos/${required("GITHUB_REPOSITORY")}/commits/main`;
  const newest = (await run("gh", "api", "--jq=.sha", main)).trim();
  if (newest === sha) return false;
  console.log(`main is at ${newest} by now: of ${sha} only the tag of the commit moves`);
  return true;
}

/**
 * The tags of what is released already, without pre-releases; none on a branch.
 *
 * @throws {Error} where this is released: users have its digest and its executables, and keep them.
 */
async function earlierReleases({ ref }: Trigger): Promise<string[]> {
  const tag = tagOf(ref);
  if (tag === undefined) return [];
  const releases = await listReleases();
  if (releases.some(({ tagName }) => tagName === tag)) {
    throw new Error(`${tag} is released already; no tag moves`);
  }
  return finalTags(releases);
}

async function download(): Promise<void> {
  const [repository] = readRepositories();
  const image = `${repository}@${await publishedDigest("standard")}`;
  const images: Record<string, string> = {};
  for (const each of ARCHITECTURES) images[each] = await imageOfArchitecture(image, each);
  await takeAssets(required("GITHUB_REF_NAME"), images);
}

async function release(): Promise<void> {
  const tag = required("GITHUB_REF_NAME");
  const notes = releaseNotes(await Bun.file(CHANGELOG).text(), tag);
  const assets = readdirSync(RELEASE_DIRECTORY).map((name) => `${RELEASE_DIRECTORY}/${name}`);
  if (assets.length === 0) throw new Error(`there is nothing in ${RELEASE_DIRECTORY}`);
  const latest = isHighest(tag, finalTags(await listReleases()));
  const kind = tag.includes("-") ? "--prerelease" : `--latest=${latest}`;
  const repository = `--repo=${required("GITHUB_REPOSITORY")}`;
  await run(
    ...["gh", "release", "create", tag, repository, "--verify-tag", `--title=${tag}`, kind],
    ...[`--notes=${notes}`, ...assets.toSorted()],
  );
}

type Command = (target: string | undefined, architecture: string | undefined) => Promise<void>;

const COMMANDS: Record<string, Command> = {
  check: async () => {
    await check();
    setOutput("repository", readRepositories()[0] ?? "");
  },
  record: (target, architecture) => record(targetNamed(target), architecture),
  index: (target) => index(targetNamed(target)),
  sign: (target) => sign(targetNamed(target)),
  verify: (target) => verify(targetNamed(target)),
  promote,
  download,
  release,
};

async function main(): Promise<void> {
  const [name = "nothing", target, architecture] = process.argv.slice(2);
  const command = COMMANDS[name];
  if (!command) throw new UsageError(`expected ${Object.keys(COMMANDS).join(", ")}, not ${name}`);
  await command(target, architecture);
}

if (import.meta.main) await runMain(main);
