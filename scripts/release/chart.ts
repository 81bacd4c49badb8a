// The steps by which the Helm chart of a release becomes public, after its image, in this order. They call the `helm`
// that scripts/cluster-tools.ts brings:
//
//   bun scripts/release/chart.ts package   packages it with the digest of the image, in dist/chart
//   bun scripts/release/chart.ts push      pushes it, unless it is there already, and keeps its digest in published/chart
//   bun scripts/release/chart.ts sign      signs it, keyless, by digest
//   bun scripts/release/chart.ts verify    checks signature and provenance, and that users get these bytes
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { name } from "../../package.json" with { type: "json" };
import { buildArguments } from "../build/labels.ts";
import { CommandError, run } from "../shell/commands.ts";
import { required, setOutput } from "../shell/github.ts";
import { runMain, UsageError } from "../shell/main.ts";
import { CHANGELOG } from "./changelog.ts";
import { CHART_DIRECTORY, packageChart } from "./chart-package.ts";
import { publishedDigest } from "./publish.ts";
import { checkedDigest, digestOf } from "./registry.ts";
import { imageRepositories } from "./tags.ts";
import { requireProvenance, requireSignature } from "./verification.ts";

const PUBLISHED = "published/chart";

/** `ghcr.io/owner/charts`, to which Helm adds the chart's name. */
export function chartsOf(repository: string): string {
  const [owner = ""] = repository.toLowerCase().split("/");
  return `ghcr.io/${owner}/charts`;
}

const charts = () => chartsOf(required("GITHUB_REPOSITORY"));
const chart = () => `${charts()}/${name}`;

/** The version of the tag that started the run; `publish.ts check` has compared it with package.json. */
const versionOfTag = () => required("GITHUB_REF_NAME").replace(/^v/, "");

const tagged = () => `${chart()}:${versionOfTag()}`;
const packageFile = () => `${CHART_DIRECTORY}/${name}-${versionOfTag()}.tgz`;

async function makePackage(): Promise<void> {
  const version = versionOfTag();
  const repository = required("GITHUB_REPOSITORY");
  const [image = ""] = imageRepositories(repository);
  const path = await packageChart({
    version,
    repository,
    image: {
      repository: image,
      tag: `${version}-standard`,
      digest: await publishedDigest("standard"),
    },
    changelog: await Bun.file(CHANGELOG).text(),
    epoch: Number(buildArguments().SOURCE_DATE_EPOCH),
  });
  console.log(path);
}

/** A run that is repeated finds what it has pushed: the time of a push is in its digest, so a second one would differ. */
async function push(): Promise<void> {
  const there = await pull();
  if (there === undefined) await run("helm", "push", packageFile(), `oci://${charts()}`);
  else if (!Bun.deepEquals(there, await Bun.file(packageFile()).bytes())) {
    throw new Error(`${tagged()} is there, and is another chart; release a new version`);
  }
  const digest = await digestOf(tagged());
  mkdirSync("published", { recursive: true });
  await Bun.write(PUBLISHED, digest);
  setOutput("repository", chart());
  setOutput("digest", digest);
}

/** What users get for this version; nothing where the registry has none. */
async function pull(): Promise<Uint8Array | undefined> {
  const directory = mkdtempSync(join(tmpdir(), "chart-"));
  try {
    const version = `--version=${versionOfTag()}`;
    await run("helm", "pull", `oci://${chart()}`, version, `--destination=${directory}`);
    return await Bun.file(join(directory, basename(packageFile()))).bytes();
  } catch (error) {
    if (error instanceof CommandError && /not found|name unknown/i.test(error.message)) return;
    throw error;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function published(): Promise<string> {
  const file = Bun.file(PUBLISHED);
  if (!(await file.exists())) throw new Error(`there is no ${PUBLISHED}; chart.ts push writes it`);
  return `${chart()}@${checkedDigest((await file.text()).trim(), PUBLISHED)}`;
}

async function sign(): Promise<void> {
  await run("cosign", "sign", "--yes", await published());
}

async function verify(): Promise<void> {
  const artifact = await published();
  await requireSignature(artifact);
  await requireProvenance(artifact);
  const digest = await digestOf(tagged());
  if (`${chart()}@${digest}` !== artifact) throw new Error(`${tagged()} is ${digest} by now`);
  if (!Bun.deepEquals(await pull(), await Bun.file(packageFile()).bytes())) {
    throw new Error(`${artifact} has other bytes than ${packageFile()}`);
  }
  const values = ["auth.existingSecret=keys", "database.kind=sqlite"].flatMap((set) => [
    "--set",
    set,
  ]);
  await run("helm", "template", name, packageFile(), ...values);
  console.log(`${artifact} is signed, attested and can be installed`);
}

const COMMANDS: Record<string, () => Promise<void>> = {
  package: makePackage,
  push,
  sign,
  verify,
};

async function main(): Promise<void> {
  const [command = "nothing"] = process.argv.slice(2);
  const step = COMMANDS[command];
  if (!step) throw new UsageError(`expected ${Object.keys(COMMANDS).join(", ")}, not ${command}`);
  await step();
}

if (import.meta.main) await runMain(main);
