import { type Job, type Pod, timestamp } from "./objects.ts";
import { condition, createPod, podsOf, randomSuffix, setStatus } from "./owned-pods.ts";
import type { Store } from "./store.ts";

const DEFAULT_BACKOFF_LIMIT = 6;

/**
 * Runs the pod of each Job, and another one where it failed, up to the Job's limit. A CronJob is only stored;
 * `kubectl create job --from=cronjob/NAME` runs it.
 */
export function reconcileJobs(store: Store): void {
  for (const job of store.list("Job")) {
    if (job.status?.conditions?.length) continue;
    const pods = podsOf(store, job);
    const failed = pods.filter((pod) => phaseOf(pod) === "Failed");
    if (pods.some((pod) => phaseOf(pod) === "Succeeded")) complete(store, job);
    else if (failed.length > (job.spec.backoffLimit ?? DEFAULT_BACKOFF_LIMIT))
      fail(store, job, failed);
    else if (failed.length === pods.length) start(store, job);
  }
}

function phaseOf({ status }: Pod): string {
  return status?.phase ?? "Pending";
}

function start(store: Store, job: Job): void {
  createPod(store, job, `${job.metadata.name}-${randomSuffix()}`);
  setStatus(store, "Job", job, { active: 1, startTime: timestamp() });
}

function complete(store: Store, job: Job): void {
  const reason = "CompletionsReached";
  setStatus(store, "Job", job, {
    ...job.status,
    ...{ active: 0, succeeded: 1, completionTime: timestamp() },
    conditions: [condition([], { type: "Complete", holds: true, reason })],
  });
}

function fail(store: Store, job: Job, pods: readonly Pod[]): void {
  const reason = "BackoffLimitExceeded";
  const message = `${pods.length} pods of it have failed`;
  setStatus(store, "Job", job, {
    ...job.status,
    ...{ active: 0, failed: pods.length },
    conditions: [condition([], { type: "Failed", holds: true, reason, message })],
  });
}
