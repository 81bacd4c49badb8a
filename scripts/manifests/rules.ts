import { type Container, containersOf, type Manifest, type PodTemplate } from "./manifest.ts";

/** Kinds that the chart never makes: it needs no rights, and a Secret of a chart changes at every render. */
const NEVER = [
  "Secret",
  "ServiceAccount",
  "Role",
  "ClusterRole",
  "RoleBinding",
  "ClusterRoleBinding",
];

/** What of a manifest this project does not want, where Kubernetes would accept it. */
export function manifestProblems({ kind }: Manifest): string[] {
  return NEVER.includes(kind) ? [`a ${kind} is made by people, not by the chart`] : [];
}

/** The same for a pod of this service. */
export function podProblems({ of, spec }: PodTemplate): string[] {
  const user = spec.securityContext?.runAsUser;
  return [
    ...(spec.automountServiceAccountToken === false
      ? []
      : ["automountServiceAccountToken is not false: it would get a token that it does not need"]),
    ...(spec.enableServiceLinks === false
      ? []
      : ["enableServiceLinks is not false: Services of other names would set its variables"]),
    ...(typeof user === "number"
      ? []
      : ["securityContext.runAsUser is no number: runAsNonRoot cannot check a name"]),
    ...(isServer(of) && spec.terminationGracePeriodSeconds === undefined
      ? ["terminationGracePeriodSeconds is not set: 30 seconds are shorter than a drain"]
      : []),
    ...containersOf(spec).flatMap((container) =>
      containerProblems(container).map((problem) => `container ${container.name}: ${problem}`),
    ),
  ];
}

const isServer = ({ kind }: Manifest) => ["Deployment", "StatefulSet", "Rollout"].includes(kind);

function containerProblems(container: Container): string[] {
  const { resources = {}, volumeMounts = [], env = [], securityContext } = container;
  const names = env.map(({ name }) => name);
  return [
    // It counts at the container only; at the pod, it is ignored.
    ...(securityContext?.readOnlyRootFilesystem ? [] : ["readOnlyRootFilesystem is not true"]),
    ...(resources.limits?.memory ? [] : ["resources.limits.memory is not set"]),
    ...(resources.limits?.cpu ? ["resources.limits.cpu makes answers late"] : []),
    ...(resources.requests?.cpu && resources.requests.memory
      ? []
      : ["resources.requests has no cpu or no memory"]),
    ...(container.lifecycle ? ["it has a lifecycle hook: the service drains by itself"] : []),
    ...(container.command ? ["it has a command: the image has no shell"] : []),
    ...volumeMounts
      .filter(({ subPath }) => subPath !== undefined)
      .map(({ name }) => `the mount of ${name} has a subPath: it would never change`),
    ...names
      .filter((name, index) => names.indexOf(name) < index)
      .map((name) => `the variable ${name} is there twice`),
    ...probeProblems(container),
  ];
}

const PROBES = ["startupProbe", "readinessProbe", "livenessProbe"];

/** A probe of the API's port would find nothing there, and one by a command starts a second process. */
function probeProblems(container: Container): string[] {
  return PROBES.flatMap((name) => {
    const probe = container[name] as { httpGet?: { port?: unknown } } | undefined;
    if (probe === undefined || probe.httpGet?.port === "metrics") return [];
    return [`${name} does not ask the port of the metrics`];
  });
}
