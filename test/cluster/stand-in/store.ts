import { apiVersionOf, type Kind, type KindName, kindNamed } from "./kinds.ts";
import { type KubeObject, type Metadata, type ObjectOf, timestamp } from "./objects.ts";

export type Change = { type: "ADDED" | "MODIFIED" | "DELETED"; kind: KindName; object: KubeObject };

/** What a client sends: the API server adds the rest of the metadata. */
export type NewObject = {
  metadata: Partial<Metadata> & { name: string };
  spec?: unknown;
  status?: unknown;
  [field: string]: unknown;
};

export type Place = { namespace?: string | undefined; name: string };

export type Store = ReturnType<typeof createStore>;

/** Between a client's list and its watch there are never more changes. */
const HISTORY = 5_000;

/**
 * All objects, as etcd keeps them for a real API server. A stored object is never changed: a new one takes its
 * place, so that watchers may keep what they receive.
 */
export function createStore() {
  const objects = new Map<string, KubeObject>();
  const listeners = new Set<(change: Change) => void>();
  const history: Change[] = [];
  let version = 0;

  const key = (kind: KindName, { namespace = "", name }: Place) => `${kind}/${namespace}/${name}`;

  function record(change: Change): void {
    history.push(change);
    if (history.length > HISTORY) history.shift();
    for (const listener of listeners) listener(change);
  }

  function get<K extends KindName>(kind: K, place: Place): ObjectOf<K> | undefined {
    // What a client sends is not checked: each kind is read by the few fields that objects.ts names.
    return objects.get(key(kind, place)) as ObjectOf<K> | undefined;
  }

  /** Of all namespaces, if none is named. */
  function list<K extends KindName>(kind: K, namespace?: string): ObjectOf<K>[] {
    const prefix = namespace === undefined ? `${kind}/` : `${kind}/${namespace}/`;
    return [...objects].filter(([key]) => key.startsWith(prefix)).map(([, o]) => o as ObjectOf<K>);
  }

  /** Stores an object in the place of the one with its name, if there is one. */
  function put(kind: KindName, object: NewObject): KubeObject {
    const old = objects.get(key(kind, object.metadata));
    const stored = complete(kindNamed(kind), object, old, ++version);
    objects.set(key(kind, stored.metadata), stored);
    record({ type: old ? "MODIFIED" : "ADDED", kind, object: stored });
    return stored;
  }

  /** Changes the object that has this name now; does nothing if it is gone, or if nothing differs. */
  function update<K extends KindName>(
    kind: K,
    { metadata }: { metadata: Place },
    change: (copy: ObjectOf<K>) => void,
  ): void {
    const old = get(kind, metadata);
    if (!old) return;
    const copy = structuredClone(old);
    change(copy);
    if (!Bun.deepEquals(old, copy)) put(kind, copy);
  }

  function remove(kind: KindName, { metadata }: { metadata: Place }): void {
    const object = objects.get(key(kind, metadata));
    if (!object) return;
    objects.delete(key(kind, metadata));
    version += 1;
    const last = { ...object.metadata, resourceVersion: `${version}` };
    record({ type: "DELETED", kind, object: { ...object, metadata: last } });
  }

  /** Calls back for each change after a version, also for those in the past. @returns how to end that. */
  function watch(since: number, listener: (change: Change) => void): () => void {
    for (const change of history) {
      if (Number(change.object.metadata.resourceVersion) > since) listener(change);
    }
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  return { get, list, put, update, remove, watch, version: () => version };
}

/** Fills in what the API server decides about an object. */
function complete(
  kind: Kind,
  object: NewObject,
  old: KubeObject | undefined,
  version: number,
): KubeObject {
  const changed = !Bun.deepEquals(old?.spec, object.spec);
  const status = object.status ?? old?.status;
  return {
    ...object,
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: {
      ...object.metadata,
      uid: old?.metadata.uid ?? crypto.randomUUID(),
      creationTimestamp: old?.metadata.creationTimestamp ?? timestamp(),
      resourceVersion: `${version}`,
      generation: (old?.metadata.generation ?? 0) + (changed ? 1 : 0),
    },
    ...(status !== undefined && { status }),
  };
}
