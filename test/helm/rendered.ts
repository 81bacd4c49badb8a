import { clusterToolsOrReason } from "../../scripts/cluster-tools.ts";
import type { Manifest } from "../../scripts/manifests/manifest.ts";
import { renderChart } from "../../scripts/manifests/render.ts";

const tools = await clusterToolsOrReason();

export const HAS_TOOLS = typeof tools !== "string";
/** What the name of a skipped test ends with. */
export const NO_TOOLS = HAS_TOOLS ? "" : ` (skipped: ${tools})`;

/** The programs, for a test that {@link HAS_TOOLS} lets run. */
export const TOOLS = typeof tools === "string" ? { helm: "", helm3: "", kubectl: "" } : tools;

const charts = new Map<string, Promise<Manifest[]>>();

/** The chart with a file of values in its folder ci, rendered once for all tests of a file. */
export function chartWith(values: string): Promise<Manifest[]> {
  const known = charts.get(values) ?? renderChart(values);
  charts.set(values, known);
  return known;
}

/** The only manifest of a kind. @throws {Error} where there are none or several. */
export function only(manifests: readonly Manifest[], kind: string): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind);
  const [first] = found;
  if (first && found.length === 1) return first;
  throw new Error(`expected one ${kind}, found ${found.length}`);
}

/** The output of `helm template` with settings like those of `--set`, or what Helm says against them. */
export async function renderWith(settings: readonly string[], options: readonly string[] = []) {
  const set = settings.flatMap((setting) => ["--set", setting]);
  const command = [TOOLS.helm, "template", "api", "deploy/helm/thimble", ...set, ...options];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { exitCode: await child.exited, stdout, stderr };
}
