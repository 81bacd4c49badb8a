import { containersOf, type PodSpec, type SecurityContext } from "./manifest.ts";

/** Volumes that a restricted pod may have. */
const VOLUMES = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "projected",
  "secret",
];
const HOST_NAMESPACES = ["hostNetwork", "hostPID", "hostIPC"];
const SECCOMP_PROFILES = ["RuntimeDefault", "Localhost"];

/**
 * What of a pod the standard `restricted` refuses, as the admission of a real cluster would
 * (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
 */
export function podSecurityProblems(spec: PodSpec): string[] {
  const pod = spec.securityContext ?? {};
  return [
    ...HOST_NAMESPACES.filter((name) => spec[name]).map((name) => `${name} is true`),
    ...userProblems(pod),
    ...(pod.sysctls ? ["securityContext.sysctls are set"] : []),
    ...volumeProblems(spec),
    ...containersOf(spec).flatMap((container) =>
      [
        ...containerProblems(container.securityContext ?? {}, pod),
        ...(container.ports ?? [])
          .filter(({ hostPort }) => hostPort)
          .map(({ hostPort }) => `hostPort ${hostPort} is used`),
      ].map((problem) => `container ${container.name}: ${problem}`),
    ),
  ];
}

function volumeProblems({ volumes = [] }: PodSpec): string[] {
  return volumes.flatMap(({ name, ...source }) => {
    const [kind = "nothing"] = Object.keys(source);
    return VOLUMES.includes(kind) ? [] : [`the volume ${name} is of ${kind}`];
  });
}

/** `pod` is what counts where the container says nothing. */
function containerProblems(context: SecurityContext, pod: SecurityContext): string[] {
  const { capabilities = {} } = context;
  const added = (capabilities.add ?? []).filter((name) => name !== "NET_BIND_SERVICE");
  const nonRoot = context.runAsNonRoot ?? pod.runAsNonRoot;
  const profile = (context.seccompProfile ?? pod.seccompProfile)?.type;
  return [
    ...userProblems(context),
    ...(nonRoot === true ? [] : ["runAsNonRoot is not true"]),
    ...(context.privileged ? ["privileged is true"] : []),
    ...(context.allowPrivilegeEscalation === false
      ? []
      : ["allowPrivilegeEscalation is not false"]),
    ...(capabilities.drop?.includes("ALL") ? [] : ["capabilities.drop does not have ALL"]),
    ...added.map((name) => `capabilities.add has ${name}`),
    ...(profile && SECCOMP_PROFILES.includes(profile)
      ? []
      : [`seccompProfile is ${profile ?? "not set"}`]),
    ...(["Default", undefined].includes(context.procMount) ? [] : ["procMount is not Default"]),
  ];
}

function userProblems({ runAsUser }: SecurityContext): string[] {
  return runAsUser === 0 ? ["runAsUser is 0"] : [];
}
