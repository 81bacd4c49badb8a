import { containerOf, type Running } from "./container.ts";
import {
  type ContainerState,
  type ContainerStatus,
  type Pod,
  type PodStatus,
  timestamp,
} from "./objects.ts";
import { condition, randomSuffix } from "./owned-pods.ts";
import type { Store } from "./store.ts";

export type PodReport = ReturnType<typeof createPodReport>;

/** Says in a pod's status, and as events, what happens to it. */
export function createPodReport(store: Store, pod: Pod) {
  const say = (reason: string, message: string) => recordEvent(store, pod, { reason, message });

  const change = (apply: (status: PodStatus, container: ContainerStatus) => void) =>
    store.update("Pod", pod, (copy) => {
      if (copy.metadata.uid !== pod.metadata.uid) return;
      copy.status ??= firstStatus(pod);
      const [container] = copy.status.containerStatuses;
      if (container) apply(copy.status, container);
    });

  const setState = (state: ContainerState) =>
    change((_, container) => {
      container.state = state;
    });

  function ready(isReady: boolean): void {
    const reason = isReady ? "ContainersReady" : "ContainersNotReady";
    change((status, container) => {
      container.ready = isReady;
      const next = { type: "Ready", holds: isReady, reason };
      status.conditions = [condition(status.conditions, next)];
    });
  }

  const terminated = (exitCode: number) => ({
    exitCode,
    reason: exitCode === 0 ? "Completed" : "Error",
    finishedAt: timestamp(),
  });

  return {
    ready,
    running: ({ ip }: Running) => {
      say("Started", `${containerOf(pod).image} at ${ip}`);
      change((status, container) => {
        status.phase = "Running";
        status.podIP = ip;
        container.state = { running: { startedAt: timestamp() } };
      });
    },
    started: () =>
      change((_, container) => {
        container.started = true;
      }),
    unhealthy: (probe: string, why: string) =>
      say("Unhealthy", `the ${probe} probe has failed: ${why}`),
    /** It waits for an image, a Secret or a ConfigMap. */
    waiting: (message: string) => {
      const isImage = /No such image|Unable to find image/.test(message);
      const reason = isImage ? "ErrImagePull" : "CreateContainerError";
      say("Failed", message);
      setState({ waiting: { reason, message } });
    },
    ending: (graceSeconds: number) => {
      say("Killing", `it has ${graceSeconds} s to end`);
      ready(false);
    },
    ended: (exitCode: number, says: string) => {
      say("Ended", `with ${exitCode} ${says}`);
      ready(false);
      setState({ terminated: terminated(exitCode) });
    },
    restarting: (exitCode: number) =>
      change((_, container) => {
        container.restartCount += 1;
        container.started = false;
        container.lastState = { terminated: terminated(exitCode) };
        container.state = { waiting: { reason: "CrashLoopBackOff" } };
      }),
    finished: (exitCode: number) =>
      change((status) => {
        status.phase = exitCode === 0 ? "Succeeded" : "Failed";
      }),
  };
}

function firstStatus(pod: Pod): PodStatus {
  const { name, image } = containerOf(pod);
  const state = { waiting: { reason: "ContainerCreating" } };
  const counts = { ready: false, started: false, restartCount: 0 };
  return {
    phase: "Pending",
    startTime: timestamp(),
    conditions: [],
    containerStatuses: [{ name, image, ...counts, state, lastState: {} }],
  };
}

/** For `kubectl events`, and for the stand-in's own output. */
function recordEvent(
  store: Store,
  { metadata: { name, namespace = "", uid } }: Pod,
  { reason, message }: { reason: string; message: string },
): void {
  console.log(`${new Date().toISOString()} ${namespace}/${name} ${reason}: ${message}`);
  store.put("Event", {
    metadata: { name: `${name}.${randomSuffix()}`, namespace },
    ...{ reason, message, type: "Normal", count: 1 },
    ...{ firstTimestamp: timestamp(), lastTimestamp: timestamp() },
    involvedObject: { apiVersion: "v1", kind: "Pod", name, namespace, uid },
  });
}
