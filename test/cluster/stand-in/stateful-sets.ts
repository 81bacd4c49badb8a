import { isEnding, removeObject } from "./deletion.ts";
import type { PodSpec, StatefulSet } from "./objects.ts";
import { createPod, hashOf, isReady, livingPods, podsOf, setStatus } from "./owned-pods.ts";
import type { Store } from "./store.ts";

/** Gives StatefulSets their pods, each with a name and claims that stay, and replaces outdated ones. */
export function reconcileStatefulSets(store: Store): void {
  for (const set of store.list("StatefulSet")) {
    const isHeldUp = addPods(store, set);
    removeSurplus(store, set);
    if (!isHeldUp) removeOutdated(store, set);
    setStatus(store, "StatefulSet", set, statusOf(store, set));
  }
}

function nameOf({ metadata }: StatefulSet, ordinal: number): string {
  return `${metadata.name}-${ordinal}`;
}

function ordinalsOf({ spec }: StatefulSet): number[] {
  return Array.from({ length: spec.replicas ?? 1 }, (_, ordinal) => ordinal);
}

/**
 * One pod after the other, unless they are managed in parallel.
 *
 * @returns whether a pod that is not ready holds up everything else: an update too, even one that repairs it.
 */
function addPods(store: Store, set: StatefulSet): boolean {
  const pods = new Map(podsOf(store, set).map((pod) => [pod.metadata.name, pod]));
  const inOrder = set.spec.podManagementPolicy !== "Parallel";
  for (const ordinal of ordinalsOf(set)) {
    const pod = pods.get(nameOf(set, ordinal));
    if (!pod)
      createPod(store, set, nameOf(set, ordinal), (spec) => withClaims(store, set, spec, ordinal));
    if (inOrder && !(pod && isReady(pod))) return true;
  }
  return false;
}

function withClaims(store: Store, set: StatefulSet, spec: PodSpec, ordinal: number): PodSpec {
  const { namespace = "" } = set.metadata;
  const volumes = (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const { name } = template.metadata;
    const claimName = `${name}-${nameOf(set, ordinal)}`;
    // The claim of an earlier pod of that name, if there is one, with everything in it.
    if (!store.get("PersistentVolumeClaim", { namespace, name: claimName })) {
      const metadata = { ...template.metadata, namespace, name: claimName };
      store.put("PersistentVolumeClaim", { metadata, spec: template.spec });
    }
    return { name, persistentVolumeClaim: { claimName } };
  });
  return { ...spec, volumes: [...(spec.volumes ?? []), ...volumes] };
}

function removeSurplus(store: Store, set: StatefulSet): void {
  const wanted = ordinalsOf(set).map((ordinal) => nameOf(set, ordinal));
  for (const pod of podsOf(store, set)) {
    if (!isEnding(pod) && !wanted.includes(pod.metadata.name)) removeObject(store, "Pod", pod);
  }
}

/** From the highest number down; one that is not ready, and is not outdated itself, holds up the rest. */
function removeOutdated(store: Store, set: StatefulSet): void {
  const { updated, outdated } = livingPods(store, set, set.spec.template);
  for (const ordinal of ordinalsOf(set).toReversed()) {
    const isNamed = ({ metadata }: { metadata: { name: string } }) =>
      metadata.name === nameOf(set, ordinal);
    const old = outdated.find(isNamed);
    if (old) removeObject(store, "Pod", old);
    const pod = updated.find(isNamed);
    if (!pod || !isReady(pod)) return;
  }
}

function statusOf(store: Store, set: StatefulSet) {
  const { living, updated } = livingPods(store, set, set.spec.template);
  const updateRevision = hashOf(set.spec.template);
  const ready = living.filter(isReady);
  const isDone = updated.filter(isReady).length === (set.spec.replicas ?? 1);
  return {
    observedGeneration: set.metadata.generation,
    replicas: podsOf(store, set).length,
    readyReplicas: ready.length,
    availableReplicas: ready.length,
    currentReplicas: isDone ? updated.length : living.length - updated.length,
    updatedReplicas: updated.length,
    currentRevision: isDone ? updateRevision : (set.status?.currentRevision ?? ""),
    updateRevision,
  };
}
