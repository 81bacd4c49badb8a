import { expect } from "bun:test";
import { RUN } from "../container/images.ts";
import { entryWith, expectEntries, PATH } from "../container/writers.ts";
import { type Load, startLoad } from "../load.ts";
import { eventually, type Namespace, nodeAddress, type Ran } from "./cluster.ts";

const CHART = "deploy/helm/thimble";

export const API_KEY = "0123456789abcdef-cluster";
const KEYS = "keys";

/** Values of the chart, nested as in values.yaml. */
export type Values = { [name: string]: unknown };

/** What a Secret needs for the chart's `auth.existingSecret`. */
export function keysSecret(keys = "") {
  const stringData = { "api-key": API_KEY, keys };
  return { apiVersion: "v1", kind: "Secret", metadata: { name: KEYS }, stringData };
}

/** For tests of something else than how careful an update is. */
export const AT_ONCE = { rollout: { minReadySeconds: 0 } };

/** Reachable from this machine, and without limits for a test's requests. */
const COMMON = {
  image: { registry: "", repository: RUN, tag: "standard" },
  auth: { existingSecret: KEYS },
  service: { type: "NodePort" },
  networkPolicy: { ingressFrom: [{ ipBlock: { cidr: "0.0.0.0/0" } }] },
  rateLimit: { limit: "off" },
  authFailureLimit: "off",
} as const;

export type PodState = {
  name: string;
  createdAt: string;
  restarts: number;
  /** Since when it has been ready; `undefined` while it is not. */
  readySince: string | undefined;
};

export type Release = ReturnType<typeof releaseOf>;

/** A release of the chart, by its name, which has to begin with the chart's. */
export function releaseOf(namespace: Namespace, name: string, values: Values) {
  const { helm, get, kubectl } = namespace;
  const labels = `--selector=app.kubernetes.io/instance=${name},app.kubernetes.io/component=server`;
  const withChart = (command: string, changes: Values, options: readonly string[]) => {
    const all = merge(merge(COMMON, values), changes);
    return helm(command, name, CHART, "--set-json", JSON.stringify(all), ...options);
  };
  let origin: Promise<string> | undefined;
  const url = () => {
    origin ??= originOf(namespace, name);
    return origin;
  };
  // Over a new connection each time, which may go to any instance.
  const ask = async (path: string, init?: RequestInit) =>
    fetch((await url()) + path, { ...init, keepalive: false });

  return {
    name,
    apiKey: API_KEY,
    fetch: ask,
    install: async () => {
      await expectDone(withChart("install", {}, ["--wait", "--timeout=90s"]));
      await eventually("it answers", async () => (await ask("/")).ok);
    },
    /** @returns how helm ended. */
    upgrade: (changes: Values, ...options: string[]): Promise<Ran> =>
      withChart("upgrade", changes, options),
    /** Each entry of its history: what it is, and why. */
    history: async (): Promise<{ status: string; description: string }[]> =>
      JSON.parse((await helm("history", name, "--output=json")).output),
    /** Those that are not being deleted. */
    pods: async () => {
      const { items } = await get<{ items: PodObject[] }>("pods", labels);
      return items.filter(({ metadata }) => !metadata.deletionTimestamp).map(stateOf);
    },
    rolledOut: () => kubectl("rollout", "status", `deployment/${name}`, "--timeout=60s"),
    /** Sends requests at a constant rate, some of which add entries. */
    load: async (perSecond: number) => {
      const { hostname, port } = new URL(await url());
      const writes = { path: PATH, apiKey: API_KEY, entry: entryWith };
      return startLoad({ address: hostname, port: Number(port), perSecond, reads: READS, writes });
    },
    /** Every acknowledged entry is there. */
    expectEntries: (added: Map<number, string>) =>
      expectEntries({ apiKey: API_KEY, fetch: ask }, added),
  };
}

/** Two of three need the database. */
const READS = [PATH, `${PATH}?limit=2`, "/"];

type PodObject = {
  metadata: { name: string; creationTimestamp: string; deletionTimestamp?: string };
  status: {
    conditions?: { type: string; status: string; lastTransitionTime: string }[];
    containerStatuses?: { restartCount: number }[];
  };
};

function stateOf({ metadata, status }: PodObject): PodState {
  const ready = status.conditions?.find(({ type }) => type === "Ready");
  return {
    name: metadata.name,
    createdAt: metadata.creationTimestamp,
    restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
    readySince: ready?.status === "True" ? ready.lastTransitionTime : undefined,
  };
}

/** @throws {Error} with helm's output. */
export async function expectDone(running: Promise<Ran>): Promise<string> {
  const { status, output } = await running;
  expect(status, output).toBe(0);
  return output;
}

/** The first ones show what happened; thousands of them would hide it. */
export function expectNoFailures({ failures }: Load): void {
  expect({ count: failures.length, first: failures.slice(0, 5) }).toEqual({ count: 0, first: [] });
}

async function originOf(namespace: Namespace, service: string): Promise<string> {
  const path = '{.spec.ports[?(@.name=="http")].nodePort}';
  const port = await namespace.kubectl("get", "service", service, `--output=jsonpath=${path}`);
  return `http://${await nodeAddress(namespace)}:${port}`;
}

function merge(base: Values, changes: Values): Values {
  const merged: Values = { ...base };
  for (const [name, value] of Object.entries(changes)) {
    const old = merged[name];
    merged[name] = isNested(old) && isNested(value) ? merge(old, value) : value;
  }
  return merged;
}

function isNested(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
