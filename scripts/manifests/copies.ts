// Writes what is copied, so that each fact still stands once: the rules of Prometheus into the chart, and what the
// chart makes into the base and the components of Kustomize, which cannot ask Helm 4 for it:
//
//   bun scripts/manifests/copies.ts
import { runMain } from "../shell/main.ts";
import { CHART, KUSTOMIZE, renderText } from "./render.ts";

const PROMETHEUS = "deploy/prometheus";
const RULES = ["rules.yml", "alerts.yml"];
/** The values that Kustomize's files are made with. */
export const VALUES = "kustomize";

/** Which kinds of the chart go where in {@link KUSTOMIZE}; the pod of `helm test` goes nowhere. */
const PLACES: Readonly<Record<string, string>> = {
  Deployment: "base/deployment.yaml",
  Service: "base/service.yaml",
  HorizontalPodAutoscaler: "components/autoscaling/autoscaler.yaml",
  PodDisruptionBudget: "components/disruption-budget/budget.yaml",
  HTTPRoute: "components/gateway/route.yaml",
  Job: "components/migrate-job/job.yaml",
  NetworkPolicy: "components/network-policy/policy.yaml",
  PrometheusRule: "components/monitoring/rules.yaml",
  ServiceMonitor: "components/monitoring/monitor.yaml",
};

/** What Helm alone needs, and versions, which would differ at every release. */
const OF_HELM = [
  "# Source:",
  "app.kubernetes.io/managed-by:",
  "app.kubernetes.io/version:",
  "helm.sh/",
  "# The last one stays, for its log.",
];

/** The files for Kustomize by their paths, out of what Helm prints. */
export function kustomizeFiles(rendered: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const document of rendered.split(/^---$/m)) {
    const [, kind = ""] = /^kind: (\w+)$/m.exec(document) ?? [];
    const place = PLACES[kind];
    if (place === undefined) continue;
    const path = `${KUSTOMIZE}/${place}`;
    const before = files.get(path);
    files.set(path, (before ? `${before}---\n` : "") + withoutHelm(document));
  }
  return files;
}

function withoutHelm(document: string): string {
  const lines = document
    .trim()
    .split("\n")
    .filter((line) => !OF_HELM.some((start) => line.trim().startsWith(start)));
  // Where all annotations were for Helm, their heading goes too.
  return `${lines.join("\n").replaceAll(/^ *annotations:\n(?= {0,2}\S)/gm, "")}\n`;
}

/** The rules of Prometheus, by their paths in the chart. */
export async function ruleFiles(): Promise<Map<string, string>> {
  const files = RULES.map(
    async (file) =>
      [`${CHART}/files/${file}`, await Bun.file(`${PROMETHEUS}/${file}`).text()] as const,
  );
  return new Map(await Promise.all(files));
}

async function write(files: Map<string, string>): Promise<void> {
  for (const [path, text] of files) {
    await Bun.write(path, text);
    console.log(path);
  }
}

if (import.meta.main) {
  await runMain(async () => {
    await write(await ruleFiles());
    await write(kustomizeFiles(await renderText(VALUES)));
  });
}
