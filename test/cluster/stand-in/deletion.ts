import type { KindName } from "./kinds.ts";
import { type KubeObject, type Pod, timestamp } from "./objects.ts";
import type { Store } from "./store.ts";

const DEFAULT_GRACE_SECONDS = 30;

/** What does not go at once: its end is a time in its metadata, and what cleans up after it removes it. */
const ENDS_LATER: readonly KindName[] = ["Pod", "Namespace"];

/** Deletes an object as a client or a controller asks for it. Without a grace period, a pod goes at once. */
export function removeObject(
  store: Store,
  kind: KindName,
  object: KubeObject,
  graceSeconds = graceOf(object),
): void {
  if (!ENDS_LATER.includes(kind) || (kind === "Pod" && graceSeconds === 0)) {
    store.remove(kind, object);
    return;
  }
  store.update(kind, object, ({ metadata }) => {
    metadata.deletionTimestamp ??= timestamp();
    metadata.deletionGracePeriodSeconds = graceSeconds;
  });
}

function graceOf({ spec }: KubeObject): number {
  return (spec as Pod["spec"] | undefined)?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
}

export function isEnding({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}
