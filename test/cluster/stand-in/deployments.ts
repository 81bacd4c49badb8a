import { removeObject } from "./deletion.ts";
import type { Condition, Deployment, Pod } from "./objects.ts";
import {
  condition,
  createPod,
  hashOf,
  isReady,
  livingPods,
  podsOf,
  randomSuffix,
  readySince,
  setStatus,
} from "./owned-pods.ts";
import type { Store } from "./store.ts";

const DEFAULT_PROGRESS_SECONDS = 600;

/** How many pods a rolling update may have above and below the wanted number. */
type Margins = { surge: number; unavailable: number };

type State = {
  wanted: number;
  margins: Margins;
  living: Pod[];
  updated: Pod[];
  outdated: Pod[];
  available: Pod[];
};

/**
 * Rolls Deployments out. A real one has a ReplicaSet for each template; here its pods are its own, told apart
 * by the hash of their template.
 */
export function createDeploymentController(store: Store) {
  /** When each Deployment last came closer to what it should be. */
  const progress = new Map<string, { mark: string; at: number }>();

  function lastProgress({ metadata }: Deployment, state: State): number {
    const upToDate = state.updated.filter((pod) => state.available.includes(pod)).length;
    const counts = [state.updated.length, upToDate, state.outdated.length];
    const mark = `${metadata.generation} ${counts}`;
    const known = progress.get(metadata.uid);
    if (known?.mark === mark) return known.at;
    progress.set(metadata.uid, { mark, at: Date.now() });
    return Date.now();
  }

  return () => {
    for (const deployment of store.list("Deployment")) {
      const state = stateOf(store, deployment);
      addPods(store, deployment, state);
      removePods(store, state);
      const at = lastProgress(deployment, state);
      setStatus(store, "Deployment", deployment, statusOf(store, deployment, state, at));
    }
  };
}

function stateOf(store: Store, deployment: Deployment): State {
  const { replicas: wanted = 1, template, minReadySeconds = 0 } = deployment.spec;
  const pods = livingPods(store, deployment, template);
  const isAvailable = (pod: Pod) => {
    const since = readySince(pod);
    return since !== undefined && Date.now() - since >= minReadySeconds * 1000;
  };
  const available = pods.living.filter(isAvailable);
  return { ...pods, wanted, margins: marginsOf(deployment, wanted), available };
}

function marginsOf({ spec: { strategy = {} } }: Deployment, wanted: number): Margins {
  if (strategy.type === "Recreate") return { surge: 0, unavailable: wanted };
  const { maxSurge = "25%", maxUnavailable = "25%" } = strategy.rollingUpdate ?? {};
  const surge = Math.ceil(shareOf(maxSurge, wanted));
  return { surge, unavailable: Math.floor(shareOf(maxUnavailable, wanted)) };
}

function shareOf(value: number | string, whole: number): number {
  return typeof value === "number" ? value : (Number.parseInt(value, 10) * whole) / 100;
}

function addPods(store: Store, deployment: Deployment, state: State): void {
  const { wanted, margins, updated, living } = state;
  const missing = Math.min(wanted - updated.length, wanted + margins.surge - living.length);
  for (let count = 0; count < missing; count += 1) {
    const { name } = deployment.metadata;
    const hash = hashOf(deployment.spec.template);
    createPod(store, deployment, `${name}-${hash}-${randomSuffix()}`);
  }
}

/** Removes outdated pods, those that are not ready first, and never too many that are available. */
function removePods(store: Store, { wanted, margins, ...pods }: State): void {
  const surplus = pods.updated.toSorted(byReadiness).slice(0, pods.updated.length - wanted);
  const candidates = pods.updated.length > wanted ? [...pods.outdated, ...surplus] : pods.outdated;
  let spare = pods.available.length - (wanted - margins.unavailable);
  for (const pod of candidates.toSorted(byReadiness)) {
    if (pods.available.includes(pod) && spare-- <= 0) return;
    removeObject(store, "Pod", pod);
  }
}

function byReadiness(a: Pod, b: Pod): number {
  return Number(isReady(a)) - Number(isReady(b));
}

function statusOf(store: Store, deployment: Deployment, state: State, progressedAt: number) {
  const { wanted, margins, living, updated, available } = state;
  const { generation } = deployment.metadata;
  const { conditions } = (deployment.status ?? {}) as { conditions?: Condition[] };
  const isDone =
    updated.filter((pod) => available.includes(pod)).length === wanted &&
    podsOf(store, deployment).length === wanted;
  const limit = deployment.spec.progressDeadlineSeconds ?? DEFAULT_PROGRESS_SECONDS;
  const isLate = !isDone && Date.now() - progressedAt > limit * 1000;
  const reason = isDone ? "NewReplicaSetAvailable" : "ReplicaSetUpdated";
  return {
    observedGeneration: generation,
    replicas: podsOf(store, deployment).length,
    updatedReplicas: updated.length,
    readyReplicas: living.filter(isReady).length,
    availableReplicas: available.length,
    unavailableReplicas: Math.max(0, wanted - available.length),
    conditions: [
      condition(conditions, {
        type: "Available",
        holds: available.length >= wanted - margins.unavailable,
        reason: "MinimumReplicasAvailable",
      }),
      condition(conditions, {
        type: "Progressing",
        holds: !isLate,
        reason: isLate ? "ProgressDeadlineExceeded" : reason,
      }),
    ],
  };
}
