import { docker } from "../../../scripts/shell/commands.ts";
import { networkOf } from "./network.ts";
import type { Container, EnvironmentVariable, Labels, Pod, SecurityContext } from "./objects.ts";
import { hasLabels } from "./selectors.ts";
import type { Store } from "./store.ts";
import { dataOf } from "./volumes.ts";

/** What containers, networks and directories of one stand-in have in common. */
export type Node = {
  store: Store;
  /** The directory of volumes and claims. */
  state: string;
  /** The label, and the start of the name, of every container and network. */
  run: string;
};

export type Running = { id: string; ip: string };

/**
 * Starts the container of a pod on the local engine.
 *
 * @throws {Error} that says why it does not start, such as an image that is not there.
 */
export async function startContainer(
  node: Node,
  pod: Pod,
  volumes: ReadonlyMap<string, string>,
): Promise<Running> {
  const container = containerOf(pod);
  const network = await networkOf(pod.metadata.namespace ?? "", node.run);
  const name = `${network.name}-${pod.metadata.name}`;
  const ip = network.nextAddress();
  await removeContainer(name);
  try {
    const id = await docker(
      ...["run", "--detach", "--pull=never", `--name=${name}`, `--label=${node.run}`],
      ...[`--hostname=${pod.metadata.name}`, `--network=${network.name}`, `--ip=${ip}`],
      ...aliases(node.store, pod),
      ...environment(node.store, pod, container),
      ...mounts(container, volumes),
      ...rights({ ...pod.spec.securityContext, ...container.securityContext }),
      ...memory(container),
      ...(container.command ? [`--entrypoint=${container.command[0]}`] : []),
      container.image,
      ...[...(container.command ?? []).slice(1), ...(container.args ?? [])],
    );
    return { id, ip };
  } catch (error) {
    await removeContainer(name);
    throw error;
  }
}

/** The one container of a pod. */
export function containerOf({ spec }: Pod): Container {
  const [container, ...others] = spec.containers;
  if (container && others.length === 0) return container;
  throw new Error(`the stand-in runs one container a pod; this has ${spec.containers.length}`);
}

export async function removeContainer(idOrName: string): Promise<void> {
  // Also one that is not there.
  await docker("rm", "--force", "--volumes", idOrName);
}

/** The names of the Services that a pod belongs to. They stand for all their pods, ready or not. */
function aliases(store: Store, pod: Pod): string[] {
  const { namespace } = pod.metadata;
  const services = store
    .list("Service", namespace)
    .filter(({ spec }) => spec.selector && hasLabels(pod, spec.selector));
  return services.flatMap(({ metadata: { name } }) =>
    [name, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`].map(
      (alias) => `--network-alias=${alias}`,
    ),
  );
}

/** A variable may name earlier ones, as `$(NAME)`. */
function environment(store: Store, pod: Pod, { env = [] }: Container): string[] {
  const values: Record<string, string> = {};
  for (const variable of env) {
    const value = textOf(store, pod, variable);
    if (value === undefined) continue;
    values[variable.name] = value.replaceAll(/\$\((\w+)\)/g, (all, name) => values[name] ?? all);
  }
  return Object.entries(values).map(([name, value]) => `--env=${name}=${value}`);
}

function textOf(
  store: Store,
  pod: Pod,
  { value = "", valueFrom }: EnvironmentVariable,
): string | undefined {
  if (!valueFrom) return value;
  const { fieldRef, secretKeyRef, configMapKeyRef } = valueFrom;
  const { namespace = "", name } = pod.metadata;
  if (fieldRef?.fieldPath === "metadata.name") return name;
  if (fieldRef?.fieldPath === "metadata.namespace") return namespace;
  if (secretKeyRef) {
    const data = dataOf(store, "Secret", { namespace, name: secretKeyRef.name });
    return Buffer.from(keyOf(data, secretKeyRef.key), "base64").toString();
  }
  if (configMapKeyRef) {
    const data = dataOf(store, "ConfigMap", { namespace, name: configMapKeyRef.name });
    return keyOf(data, configMapKeyRef.key);
  }
  throw new Error(`the stand-in does not know this source: ${JSON.stringify(valueFrom)}`);
}

function keyOf(data: Labels, key: string): string {
  const value = data[key];
  if (value === undefined) throw new Error(`there is no key "${key}"`);
  return value;
}

function mounts({ volumeMounts = [] }: Container, volumes: ReadonlyMap<string, string>): string[] {
  return volumeMounts.map(({ name, mountPath, readOnly, ...others }) => {
    const directory = volumes.get(name);
    if (!directory) throw new Error(`the pod has no volume ${name}`);
    if ("subPath" in others)
      throw new Error("the stand-in mounts no subPath: it would never change");
    return `--volume=${directory}:${mountPath}${readOnly ? ":ro" : ""}`;
  });
}

function rights(context: SecurityContext): string[] {
  const { runAsUser: user, runAsGroup: group = user, fsGroup } = context;
  return [
    ...(user === undefined ? [] : [`--user=${user}:${group}`]),
    ...(fsGroup === undefined ? [] : [`--group-add=${fsGroup}`]),
    ...(context.readOnlyRootFilesystem ? ["--read-only"] : []),
    ...(context.allowPrivilegeEscalation === false ? ["--security-opt=no-new-privileges"] : []),
    ...(context.capabilities?.drop ?? []).map((name) => `--cap-drop=${name}`),
  ];
}

/** Docker says MiB and GiB with one letter. */
function memory({ resources }: Container): string[] {
  const limit = resources?.limits?.memory;
  return limit ? [`--memory=${limit.replace(/i$/, "").toLowerCase()}`] : [];
}
