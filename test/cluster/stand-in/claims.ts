import { setStatus } from "./owned-pods.ts";
import type { Store } from "./store.ts";

/** Every claim has its directory at once. */
export function bindClaims(store: Store): void {
  for (const claim of store.list("PersistentVolumeClaim")) {
    setStatus(store, "PersistentVolumeClaim", claim, { phase: "Bound" });
  }
}
