import { docker, outputOf } from "../../../scripts/shell/commands.ts";
import {
  containerOf,
  type Node,
  type Running,
  removeContainer,
  startContainer,
} from "./container.ts";
import { isEnding } from "./deletion.ts";
import type { Pod } from "./objects.ts";
import { pause } from "./pause.ts";
import { createPodReport, type PodReport } from "./pod-report.ts";
import { watchProbes } from "./probes.ts";
import { mountVolumes, removeVolumes } from "./volumes.ts";

/** How long a pod waits before it tries again to get its image and its volumes. */
const RETRY_MS = 1_000;
/** The pause before a restart doubles each time. In Kubernetes it begins with 10 s and ends at 5 min. */
const FIRST_BACK_OFF_MS = 1_000;
const LONGEST_BACK_OFF_MS = 10_000;

const DEFAULT_GRACE_SECONDS = 30;

/** A pod that runs here. */
export type PodWorker = {
  pod: Pod;
  /** Its container, running or ended. */
  container: () => string | undefined;
  /** Stops it, and removes it from the store. */
  end: (graceSeconds: number) => Promise<void>;
};

/** What a pod's worker knows and uses. */
type Work = {
  node: Node;
  pod: Pod;
  report: PodReport;
  deleted: AbortSignal;
  running?: Running;
};

/** Runs a pod as the kubelet does, until it is deleted. */
export function runPod(node: Node, pod: Pod): PodWorker {
  const deleted = new AbortController();
  const work: Work = {
    node,
    pod,
    report: createPodReport(node.store, pod),
    deleted: deleted.signal,
  };
  const finished = restartUntilDone(work);
  return {
    pod,
    container: () => work.running?.id,
    end: async (graceSeconds) => {
      work.report.ending(graceSeconds);
      deleted.abort();
      if (work.running) await stop(work.running.id, graceSeconds);
      await finished;
      if (work.running) await removeContainer(work.running.id);
      removeVolumes(pod, node.state);
      const { namespace, name, uid } = pod.metadata;
      const last = node.store.get("Pod", { namespace, name });
      if (last && isEnding(last) && last.metadata.uid === uid) node.store.remove("Pod", last);
    },
  };
}

/** Starts the container again and again, as the pod's restart policy says. */
async function restartUntilDone(work: Work): Promise<void> {
  const { pod, report, deleted } = work;
  for (let backOff = FIRST_BACK_OFF_MS; ; backOff = Math.min(backOff * 2, LONGEST_BACK_OFF_MS)) {
    const exitCode = await runOnce(work);
    if (exitCode === undefined || deleted.aborted) return;
    if (!isRestarted(pod, exitCode)) return report.finished(exitCode);
    report.restarting(exitCode);
    await pause(backOff, deleted);
  }
}

function isRestarted({ spec: { restartPolicy = "Always" } }: Pod, exitCode: number): boolean {
  return restartPolicy === "Always" || (restartPolicy === "OnFailure" && exitCode !== 0);
}

/** @returns the exit code of the container; `undefined` if the pod is deleted before it starts. */
async function runOnce(work: Work): Promise<number | undefined> {
  const running = await startContainerInTime(work);
  if (!running) return undefined;
  work.running = running;
  work.report.running(running);
  const ended = new AbortController();
  void watchProbes(
    { ...running, container: containerOf(work.pod) },
    eventsOf(work, ended),
    ended.signal,
  );
  // If it was deleted while it started, nothing else stops it.
  if (work.deleted.aborted) await stop(running.id, 0);
  const exitCode = Number(await docker("wait", running.id));
  ended.abort();
  work.report.ended(exitCode, exitCode === 0 ? "" : await lastLine(running.id));
  return exitCode;
}

/** Tries until the pod has its image, its Secrets and its ConfigMaps. */
async function startContainerInTime(work: Work): Promise<Running | undefined> {
  const { node, pod, report, deleted } = work;
  while (!deleted.aborted) {
    try {
      return await startContainer(node, pod, mountVolumes(node.store, pod, node.state));
    } catch (error) {
      report.waiting(error instanceof Error ? error.message : String(error));
    }
    await pause(RETRY_MS, deleted);
  }
  return undefined;
}

function eventsOf({ pod, report, running }: Work, ended: AbortController) {
  return {
    started: report.started,
    ready: report.ready,
    failed: (probe: string, why: string) => {
      report.unhealthy(probe, why);
      ended.abort();
      const grace = pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
      if (running) void stop(running.id, grace);
    },
  };
}

async function lastLine(id: string): Promise<string> {
  return await outputOf("sh", "-c", 'docker logs --tail=1 "$1" 2>&1', "sh", id);
}

async function stop(id: string, graceSeconds: number): Promise<void> {
  // It may have ended by itself in the meantime.
  await docker("stop", `--time=${graceSeconds}`, id).catch(() => {});
}
