import { isEnding, removeObject } from "./deletion.ts";
import { KINDS } from "./kinds.ts";
import type { KubeObject } from "./objects.ts";
import type { Store } from "./store.ts";

/** Deletes what nobody owns any more, and what a deleted namespace holds. */
export function collectGarbage(store: Store): void {
  const kinds = KINDS.filter(({ namespaced }) => namespaced);
  const all = kinds.flatMap(({ kind }) => store.list(kind).map((object) => ({ kind, object })));
  const uids = new Set(all.map(({ object }) => object.metadata.uid));
  const ending = store.list("Namespace").filter(isEnding);
  const isInEnding = ({ metadata }: KubeObject) =>
    ending.some((namespace) => namespace.metadata.name === metadata.namespace);

  for (const { kind, object } of all) {
    if (isEnding(object)) continue;
    if (isOrphan(object, uids) || isInEnding(object)) removeObject(store, kind, object);
  }
  for (const namespace of ending) {
    const isEmpty = all.every(
      ({ object }) => object.metadata.namespace !== namespace.metadata.name,
    );
    if (isEmpty) store.remove("Namespace", namespace);
  }
}

function isOrphan({ metadata }: KubeObject, uids: ReadonlySet<string>): boolean {
  const { ownerReferences: owners = [] } = metadata;
  return owners.length > 0 && owners.every(({ uid }) => !uids.has(uid));
}
