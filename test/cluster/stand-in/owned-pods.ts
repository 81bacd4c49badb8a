import { isEnding } from "./deletion.ts";
import type { KindName } from "./kinds.ts";
import {
  type Condition,
  type KubeObject,
  type Pod,
  type PodSpec,
  type PodTemplate,
  timestamp,
} from "./objects.ts";
import type { Store } from "./store.ts";

/** Which template a pod was made from; kubectl and dashboards know this label. */
const HASH = "pod-template-hash";

/** The pods that a workload made. */
export function podsOf(store: Store, { metadata }: KubeObject): Pod[] {
  const isOwn = (pod: Pod) =>
    pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) ?? false;
  return store.list("Pod", metadata.namespace).filter(isOwn);
}

/** Those that are not being deleted, by whether they come from the workload's present template. */
export function livingPods(store: Store, owner: KubeObject, template: PodTemplate) {
  const living = podsOf(store, owner).filter((pod) => !isEnding(pod));
  const hash = hashOf(template);
  const isUpdated = ({ metadata }: Pod) => metadata.labels?.[HASH] === hash;
  return {
    living,
    updated: living.filter(isUpdated),
    outdated: living.filter((pod) => !isUpdated(pod)),
  };
}

export function hashOf(template: PodTemplate): string {
  return Bun.hash(JSON.stringify(template)).toString(36).slice(0, 10);
}

export function randomSuffix(): string {
  return Math.random().toString(36).slice(2, 7);
}

/** Creates a pod of a workload. `change` may differ from the template in what is the pod's own. */
export function createPod(
  store: Store,
  owner: KubeObject & { spec: { template: PodTemplate } },
  name: string,
  change: (spec: PodSpec) => PodSpec = (spec) => spec,
): void {
  const { template } = owner.spec;
  const { apiVersion, kind, metadata } = owner;
  // One of the same name has not ended yet.
  if (store.get("Pod", { namespace: metadata.namespace, name })) return;
  store.put("Pod", {
    metadata: {
      name,
      ...(metadata.namespace && { namespace: metadata.namespace }),
      labels: { ...template.metadata?.labels, [HASH]: hashOf(template) },
      annotations: { ...template.metadata?.annotations },
      ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid }],
    },
    spec: change(structuredClone(template.spec)),
  });
}

export function readySince({ status }: Pod): number | undefined {
  const condition = status?.conditions.find(({ type }) => type === "Ready");
  return condition?.status === "True" ? Date.parse(condition.lastTransitionTime) : undefined;
}

export function isReady(pod: Pod): boolean {
  return readySince(pod) !== undefined;
}

/** A condition, which keeps the time of its last change as long as its status is the same. */
export function condition(
  before: readonly Condition[] | undefined,
  next: { type: string; holds: boolean; reason: string; message?: string },
): Condition {
  const { type, holds, reason, message } = next;
  const status = holds ? "True" : "False";
  const old = before?.find((each) => each.type === type && each.status === status);
  const lastTransitionTime = old?.lastTransitionTime ?? timestamp();
  return { type, status, reason, ...(message && { message }), lastTransitionTime };
}

export function setStatus(store: Store, kind: KindName, object: KubeObject, status: object): void {
  store.update(kind, object, (copy: KubeObject) => {
    copy.status = status;
  });
}
