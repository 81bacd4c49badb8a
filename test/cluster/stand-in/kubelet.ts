import type { Containers } from "./api-server.ts";
import type { Node } from "./container.ts";
import { isEnding } from "./deletion.ts";
import type { Pod, WithData } from "./objects.ts";
import { type PodWorker, runPod } from "./pod.ts";
import { refreshVolumes } from "./volumes.ts";

const DEFAULT_GRACE_SECONDS = 30;

/** Runs the pods of the store as containers, and gives them the new content of Secrets and ConfigMaps. */
export function startKubelet(node: Node): Containers {
  const workers = new Map<string, PodWorker>();
  const ending = new Set<string>();

  async function end(worker: PodWorker, graceSeconds: number): Promise<void> {
    const { uid } = worker.pod.metadata;
    if (ending.has(uid)) return;
    ending.add(uid);
    await worker.end(graceSeconds);
    workers.delete(uid);
    ending.delete(uid);
  }

  node.store.watch(node.store.version(), ({ type, kind, object }) => {
    if (/^(Secret|ConfigMap)$/.test(kind) && type === "MODIFIED") refresh(object as WithData);
    if (kind !== "Pod") return;
    const pod = object as Pod;
    const worker = workers.get(pod.metadata.uid);
    if (worker && type === "DELETED") void end(worker, 0);
    else if (worker && isEnding(pod)) void end(worker, graceOf(pod));
    else if (!worker && type === "ADDED") workers.set(pod.metadata.uid, runPod(node, pod));
  });

  /** Real ones do this within about a minute; here it is at once. */
  function refresh({ metadata }: WithData): void {
    for (const { pod, container } of workers.values()) {
      if (pod.metadata.namespace !== metadata.namespace || !container()) continue;
      const uses = JSON.stringify(pod.spec.volumes ?? []).includes(`"${metadata.name}"`);
      if (uses) refreshVolumes(node.store, pod, node.state);
    }
  }

  return { containerOf: ({ metadata }) => workers.get(metadata.uid)?.container() };
}

function graceOf({ metadata }: Pod): number {
  return metadata.deletionGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
}
