import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Labels, Pod, Volume } from "./objects.ts";
import type { Store } from "./store.ts";

const DEFAULT_MODE = 0o644;
/** Where a volume's files are, through which all of them change at once. */
const DATA = "..data";

/** A file of a Secret's or ConfigMap's volume. */
type VolumeFile = { path: string; content: Uint8Array; mode: number };

/**
 * The directory of each of a pod's volumes, with what it has to hold.
 *
 * @throws {Error} where a Secret or ConfigMap is not there yet: then the pod has to wait.
 */
export function mountVolumes(store: Store, pod: Pod, state: string): Map<string, string> {
  const volumes = pod.spec.volumes ?? [];
  return new Map(volumes.map((volume) => [volume.name, mount(store, pod, volume, state)]));
}

function mount(store: Store, pod: Pod, volume: Volume, state: string): string {
  const { namespace = "", uid } = pod.metadata;
  const claim = volume.persistentVolumeClaim?.claimName;
  const directory = claim
    ? join(state, "claims", namespace, claim)
    : join(state, "pods", uid, volume.name);
  mkdirSync(directory, { recursive: true });
  const group = pod.spec.securityContext?.fsGroup ?? 0;
  chownSync(directory, 0, group);
  const files = filesOf(store, namespace, volume);
  chmodSync(directory, files ? 0o755 : 0o2777);
  if (files) swapFiles(directory, files, group);
  return directory;
}

/** Brings a Secret's or ConfigMap's new content into a pod that already runs. */
export function refreshVolumes(store: Store, pod: Pod, state: string): void {
  const isFromObject = ({ secret, configMap }: Volume) => (secret ?? configMap) !== undefined;
  for (const volume of pod.spec.volumes ?? []) {
    if (isFromObject(volume)) mount(store, pod, volume, state);
  }
}

export function removeVolumes(pod: Pod, state: string): void {
  rmSync(join(state, "pods", pod.metadata.uid), { recursive: true, force: true });
}

function filesOf(store: Store, namespace: string, volume: Volume): VolumeFile[] | undefined {
  const { secret, configMap, emptyDir, persistentVolumeClaim } = volume;
  if (secret) {
    const data = dataOf(store, "Secret", { namespace, name: secret.secretName });
    return chosen(data, secret, (text) => Buffer.from(text, "base64"));
  }
  if (configMap) {
    const data = dataOf(store, "ConfigMap", { namespace, name: configMap.name });
    return chosen(data, configMap, (text) => Buffer.from(text));
  }
  if (emptyDir ?? persistentVolumeClaim) return undefined;
  throw new Error(`the stand-in does not know this kind of volume: ${JSON.stringify(volume)}`);
}

/** @throws {Error} where there is no such object. */
export function dataOf(
  store: Store,
  kind: "Secret" | "ConfigMap",
  place: { namespace: string; name: string },
): Labels {
  const object = store.get(kind, place);
  if (!object) throw new Error(`${kind} "${place.name}" not found`);
  return object.data ?? {};
}

function chosen(
  data: Labels,
  { items, defaultMode = DEFAULT_MODE }: NonNullable<Volume["configMap"] | Volume["secret"]>,
  decode: (text: string) => Uint8Array,
): VolumeFile[] {
  const all = items ?? Object.keys(data).map((key) => ({ key, path: key, mode: defaultMode }));
  return all.map(({ key, path, mode = defaultMode }) => {
    const text = data[key];
    if (text === undefined) throw new Error(`there is no key "${key}" for the volume`);
    return { path, content: decode(text), mode };
  });
}

/**
 * Writes files as the kubelet does: into a new directory, to which the link `..data` then points, through which
 * each file's own link goes. A reader finds the old files or the new ones, and never some of each.
 */
function swapFiles(directory: string, files: readonly VolumeFile[], group: number): void {
  const version = `..${crypto.randomUUID()}`;
  mkdirSync(join(directory, version), { mode: 0o755 });
  for (const { path, content, mode } of files) {
    const file = join(directory, version, path);
    writeFileSync(file, content);
    chownSync(file, 0, group);
    chmodSync(file, mode);
    const link = join(directory, path);
    if (!existsSync(link)) symlinkSync(join(DATA, path), link);
  }
  const data = join(directory, DATA);
  const before = existsSync(data) ? readlinkSync(data) : undefined;
  symlinkSync(version, `${data}_tmp`);
  renameSync(`${data}_tmp`, data);
  if (before) rmSync(join(directory, before), { recursive: true, force: true });
}
