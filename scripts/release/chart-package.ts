import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { name } from "../../package.json" with { type: "json" };
import { CHART } from "../manifests/render.ts";
import { run } from "../shell/commands.ts";
import { releaseNotes } from "./changelog.ts";
import { withVersion } from "./versioned-files.ts";

/** Where the package is kept. */
export const CHART_DIRECTORY = "dist/chart";

export type ChartRelease = {
  version: string;
  /** `Owner/thimble`, on GitHub. */
  repository: string;
  /** The image that the chart installs, with its digest. */
  image: { repository: string; tag: string; digest: string };
  changelog: string;
  /** When the commit was made, in seconds since 1970: the time of every file. */
  epoch: number;
};

/**
 * Packages the chart with the image that is released with it, the same bytes each time.
 *
 * @returns the path of the package.
 */
export async function packageChart(release: ChartRelease): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "chart-"));
  try {
    const chart = join(directory, name);
    cpSync(CHART, chart, { recursive: true });
    await edit(join(chart, "Chart.yaml"), (text) =>
      withAnnotations(withVersion(`${CHART}/Chart.yaml`, text, release.version), release),
    );
    await edit(join(chart, "values.yaml"), (text) => withImage(text, release));
    await edit(join(chart, "README.md"), (text) => withAddresses(text, release));
    setTimes(chart, release.epoch);
    mkdirSync(CHART_DIRECTORY, { recursive: true });
    await run("helm", "package", chart, `--destination=${CHART_DIRECTORY}`);
    return join(CHART_DIRECTORY, `${name}-${release.version}.tgz`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function edit(path: string, change: (text: string) => string): Promise<void> {
  const text = await Bun.file(path).text();
  const changed = change(text);
  if (changed === text) throw new Error(`${path} has nothing of what a release writes into it`);
  await Bun.write(path, changed);
}

const pageOf = ({ repository }: ChartRelease) => `https://github.com/${repository}`;

/** What Artifact Hub shows (https://artifacthub.io/docs/topics/annotations/helm/). */
export function withAnnotations(chart: string, release: ChartRelease): string {
  const { version, image, changelog } = release;
  const page = pageOf(release);
  const annotations: Record<string, unknown> = {
    "artifacthub.io/prerelease": version.includes("-"),
    "artifacthub.io/images": [{ name, image: `${image.repository}:${image.tag}@${image.digest}` }],
    "artifacthub.io/links": [
      { name: "documentation", url: `${page}/blob/v${version}/docs/kubernetes.md` },
    ],
    "artifacthub.io/changes": changesOf(releaseNotes(changelog, version)),
  };
  // JSON is YAML, and needs no further thought about quotes and line breaks.
  const lines = Object.entries(annotations).map(
    ([key, value]) => `  ${key}: ${JSON.stringify(JSON.stringify(value))}\n`,
  );
  return `${chart.replace(/^annotations:\n/m, `home: ${page}\nsources: [${page}]\n$&`)}${lines.join("")}`;
}

/** The entries of a section of the changelog, each in one line. */
function changesOf(notes: string): string[] {
  return notes
    .split(/^- /m)
    .slice(1)
    .map((entry) => (entry.split(/\n\n|^#/m)[0] ?? "").replaceAll(/\s+/g, " ").trim());
}

/** By digest, so that the chart installs what was verified, wherever tags go. */
function withImage(values: string, { image }: ChartRelease): string {
  const [registry = "", ...path] = image.repository.split("/");
  return values
    .replace(/(?<=^ {2}registry: ).+$/m, registry)
    .replace(/(?<=^ {2}repository: ).+$/m, path.join("/"))
    .replace(/(?<=^ {2}digest: ).+$/m, image.digest);
}

/** Links that lead out of the chart's own folder. */
function withAddresses(readme: string, release: ChartRelease): string {
  const root = `${pageOf(release)}/blob/v${release.version}/`;
  return readme.replaceAll("](../../../", `](${root}`);
}

/** Helm keeps the times of files, which would differ from one checkout to another. */
function setTimes(directory: string, epoch: number): void {
  for (const path of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    utimesSync(join(directory, path), epoch, epoch);
  }
}
