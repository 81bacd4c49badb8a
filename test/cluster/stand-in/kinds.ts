/** A kind of object, and where the API has it. */
export type Kind = {
  kind: KindName;
  group: string;
  version: string;
  plural: string;
  namespaced: boolean;
  /** What kubectl calls it too. */
  short: readonly string[];
  /** Whether `kubectl scale` may change its number of pods. */
  scales: boolean;
};

export type KindName =
  | "ConfigMap"
  | "CronJob"
  | "Deployment"
  | "Event"
  | "HTTPRoute"
  | "HorizontalPodAutoscaler"
  | "Ingress"
  | "Job"
  | "Namespace"
  | "NetworkPolicy"
  | "Node"
  | "PersistentVolumeClaim"
  | "Pod"
  | "PodDisruptionBudget"
  | "PrometheusRule"
  | "ReplicaSet"
  | "Secret"
  | "Service"
  | "ServiceAccount"
  | "ServiceMonitor"
  | "StatefulSet";

type Options = { namespaced?: boolean; short?: string[]; scales?: boolean };

function define(apiVersion: string, kind: KindName, plural: string, options: Options = {}): Kind {
  const [version = "", group = ""] = apiVersion.split("/").toReversed();
  return { kind, group, version, plural, namespaced: true, short: [], scales: false, ...options };
}

export const KINDS: readonly Kind[] = [
  define("v1", "Namespace", "namespaces", { namespaced: false, short: ["ns"] }),
  define("v1", "Node", "nodes", { namespaced: false, short: ["no"] }),
  define("v1", "ConfigMap", "configmaps", { short: ["cm"] }),
  define("v1", "Event", "events", { short: ["ev"] }),
  define("v1", "PersistentVolumeClaim", "persistentvolumeclaims", { short: ["pvc"] }),
  define("v1", "Pod", "pods", { short: ["po"] }),
  define("v1", "Secret", "secrets"),
  define("v1", "Service", "services", { short: ["svc"] }),
  define("v1", "ServiceAccount", "serviceaccounts", { short: ["sa"] }),
  define("apps/v1", "Deployment", "deployments", { short: ["deploy"], scales: true }),
  define("apps/v1", "StatefulSet", "statefulsets", { short: ["sts"], scales: true }),
  // There is none, but Helm asks for those of each Deployment.
  define("apps/v1", "ReplicaSet", "replicasets", { short: ["rs"] }),
  define("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", {
    short: ["hpa"],
  }),
  define("batch/v1", "CronJob", "cronjobs", { short: ["cj"] }),
  define("batch/v1", "Job", "jobs"),
  define("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes"),
  define("monitoring.coreos.com/v1", "PrometheusRule", "prometheusrules"),
  define("monitoring.coreos.com/v1", "ServiceMonitor", "servicemonitors"),
  define("networking.k8s.io/v1", "Ingress", "ingresses", { short: ["ing"] }),
  define("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", { short: ["netpol"] }),
  define("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", { short: ["pdb"] }),
];

export function apiVersionOf({ group, version }: Kind): string {
  return group === "" ? version : `${group}/${version}`;
}

/** The start of the paths of a kind: the core group has another one than the rest. */
export function rootOf(kind: Kind): string {
  return `${kind.group === "" ? "api" : "apis"}/${apiVersionOf(kind)}`;
}

export function kindNamed(name: KindName): Kind {
  const found = KINDS.find(({ kind }) => kind === name);
  if (!found) throw new Error(`there is no kind ${name}`);
  return found;
}
