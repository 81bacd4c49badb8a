// Checks all that is given to Kubernetes: the chart with each file of values in its folder ci, the overlays of
// Kustomize, and the examples. By schemas, by types, by Pod Security's standard "restricted", and by rules of this
// repository:
//
//   bun run check:manifests
import { dirname, relative } from "node:path";
import { clusterToolsOrReason } from "../cluster-tools.ts";
import { runMain } from "../shell/main.ts";
import { type Manifest, nameOf, podsOf, readManifests } from "./manifest.ts";
import { podSecurityProblems } from "./pod-security.ts";
import {
  buildKustomization,
  CHART,
  CI,
  EXAMPLES,
  KUSTOMIZE,
  renderChart,
  renderExample,
  valuesFiles,
} from "./render.ts";
import { manifestProblems, podProblems } from "./rules.ts";
import { installSchemas, schemaProblems, typeProblems } from "./schemas.ts";

/** Files that are manifests as they are; the components of Kustomize are parts of some. */
const PLAIN = ["deploy/gitops/**/*.yaml", "deploy/examples/*.yaml", `${KUSTOMIZE}/base/*.yaml`];

/** Manifests, and where they come from. */
export type Source = { path: string; manifests: Manifest[] };

/** What is wrong with manifests, a line each, with the path in front. */
export async function problemsOf(sources: readonly Source[]): Promise<string[]> {
  const all = sources.flatMap(({ path, manifests }) =>
    manifests.map((manifest) => ({ path, manifest })),
  );
  const schemas = await Promise.all(all.map(({ manifest }) => schemaProblems(manifest)));
  const types = typeProblems(all.map(({ manifest }) => manifest));
  return all.flatMap(({ path, manifest }, index) =>
    [...(schemas[index] ?? []), ...(types[index] ?? []), ...ownProblems(manifest)].map(
      (problem) => `${path}: ${nameOf(manifest)}: ${problem}`,
    ),
  );
}

function ownProblems(manifest: Manifest): string[] {
  const pods = podsOf(manifest);
  return [
    ...manifestProblems(manifest),
    ...pods.flatMap((pod) => [...podSecurityProblems(pod.spec), ...podProblems(pod)]),
  ];
}

/** What needs no program to be read. */
async function plainSources(): Promise<Source[]> {
  const globs = PLAIN.map((pattern) => Array.fromAsync(new Bun.Glob(pattern).scan()));
  const paths = (await Promise.all(globs)).flat().toSorted();
  const sources = paths.map(async (path) => ({
    path,
    manifests: readManifests(await Bun.file(path).text()).filter(
      ({ apiVersion }) => !apiVersion.startsWith("kustomize.config.k8s.io"),
    ),
  }));
  return await Promise.all(sources);
}

/** What Helm and Kustomize make. */
async function builtSources(): Promise<Source[]> {
  const overlays = new Bun.Glob(`${KUSTOMIZE}/overlays/*/kustomization.yaml`).scan();
  const folders = (await Array.fromAsync(overlays)).map((file) =>
    relative(KUSTOMIZE, dirname(file)),
  );
  return await Promise.all([
    ...(await valuesFiles()).map(async (values) => ({
      path: `${CHART} with ${CI}/${values}.yaml`,
      manifests: await renderChart(values),
    })),
    ...(await valuesFiles(EXAMPLES)).map(async (values) => ({
      path: `${CHART} with ${EXAMPLES}/${values}.yaml`,
      manifests: await renderExample(values),
    })),
    ...folders.map(async (folder) => ({
      path: `${KUSTOMIZE}/${folder}`,
      manifests: await buildKustomization(folder),
    })),
  ]);
}

async function main(): Promise<void> {
  installSchemas();
  const tools = await clusterToolsOrReason();
  if (typeof tools === "string") console.log(`only plain files are checked: ${tools}`);
  const built = typeof tools === "string" ? [] : await builtSources();
  const sources = [...(await plainSources()), ...built];
  const problems = await problemsOf(sources);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) throw new Error(`${problems.length} problems in manifests`);
  const count = sources.reduce((sum, { manifests }) => sum + manifests.length, 0);
  console.log(`${count} manifests of ${sources.length} sources are as they should be`);
}

if (import.meta.main) await runMain(main);
