import { basename } from "node:path";
import { name } from "../../package.json" with { type: "json" };
import { type ClusterTools, clusterTools } from "../cluster-tools.ts";
import { outputOf } from "../shell/commands.ts";
import { type Manifest, readManifests } from "./manifest.ts";

export const CHART = `deploy/helm/${name}`;
/** Values with which the chart is rendered, for tests and checks. */
export const CI = `${CHART}/ci`;
/** Values of the chart that people can begin with; they have neither an image nor keys. */
export const EXAMPLES = "deploy/examples/values";
export const KUSTOMIZE = "deploy/kustomize";

/** The values in {@link CI} or {@link EXAMPLES}, by the names of their files. */
export async function valuesFiles(folder = CI): Promise<string[]> {
  const files = await Array.fromAsync(new Bun.Glob(`${folder}/*.yaml`).scan());
  return files.map((file) => basename(file, ".yaml")).toSorted();
}

/** What `helm template` prints for values of {@link CI}. @throws {CommandError} with Helm's reason. */
export async function renderText(
  values: string,
  helm: keyof Pick<ClusterTools, "helm" | "helm3"> = "helm",
): Promise<string> {
  const tools = await clusterTools();
  return await outputOf(tools[helm], "template", name, CHART, `--values=${CI}/${values}.yaml`);
}

/** The manifests of the chart for values of {@link EXAMPLES}, on SQLite where they name no database. */
export async function renderExample(values: string): Promise<Manifest[]> {
  const { helm } = await clusterTools();
  const files = [`${CI}/sqlite.yaml`, `${EXAMPLES}/${values}.yaml`];
  const options = files.map((file) => `--values=${file}`);
  return readManifests(await outputOf(helm, "template", name, CHART, ...options));
}

/** The manifests of the chart for values of {@link CI}. @throws {CommandError} with Helm's reason. */
export async function renderChart(values: string): Promise<Manifest[]> {
  return readManifests(await renderText(values));
}

/** The manifests of a folder of {@link KUSTOMIZE}. @throws {CommandError} with Kustomize's reason. */
export async function buildKustomization(folder: string): Promise<Manifest[]> {
  const { kubectl } = await clusterTools();
  return readManifests(await outputOf(kubectl, "kustomize", `${KUSTOMIZE}/${folder}`));
}
