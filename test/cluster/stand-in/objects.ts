// The parts of Kubernetes' objects that are read or written here. Clients may send more: it is kept and ignored.
import type { KindName } from "./kinds.ts";

export type Labels = Readonly<Record<string, string>>;

export type OwnerReference = { apiVersion: string; kind: string; name: string; uid: string };

export type Metadata = {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Labels;
  annotations?: Labels;
  ownerReferences?: readonly OwnerReference[];
};

export type KubeObject = {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  spec?: unknown;
  status?: unknown;
};

export type Condition = {
  type: string;
  status: "True" | "False";
  reason: string;
  message?: string;
  lastTransitionTime: string;
};

export type Probe = {
  httpGet?: {
    port: number | string;
    path?: string;
    scheme?: string;
    httpHeaders?: { name: string; value: string }[];
  };
  exec?: { command: string[] };
  initialDelaySeconds?: number;
  periodSeconds?: number;
  timeoutSeconds?: number;
  failureThreshold?: number;
};

export type KeyReference = { name: string; key: string; optional?: boolean };

export type EnvironmentVariable = {
  name: string;
  value?: string;
  valueFrom?: {
    fieldRef?: { fieldPath: string };
    secretKeyRef?: KeyReference;
    configMapKeyRef?: KeyReference;
  };
};

export type SecurityContext = {
  runAsUser?: number;
  runAsGroup?: number;
  fsGroup?: number;
  readOnlyRootFilesystem?: boolean;
  allowPrivilegeEscalation?: boolean;
  capabilities?: { drop?: string[] };
};

export type Container = {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: EnvironmentVariable[];
  ports?: { name?: string; containerPort: number }[];
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  resources?: { limits?: { memory?: string } };
  securityContext?: SecurityContext;
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
};

type Files = { defaultMode?: number; items?: { key: string; path: string; mode?: number }[] };

export type Volume = {
  name: string;
  secret?: Files & { secretName: string };
  configMap?: Files & { name: string };
  emptyDir?: object;
  persistentVolumeClaim?: { claimName: string };
};

export type PodSpec = {
  containers: Container[];
  volumes?: Volume[];
  restartPolicy?: "Always" | "OnFailure" | "Never";
  securityContext?: SecurityContext;
  terminationGracePeriodSeconds?: number;
};

export type ContainerState = {
  waiting?: { reason: string; message?: string };
  running?: { startedAt: string };
  terminated?: { exitCode: number; reason: string; finishedAt: string };
};

export type ContainerStatus = {
  name: string;
  image: string;
  ready: boolean;
  started: boolean;
  restartCount: number;
  state: ContainerState;
  lastState: ContainerState;
};

export type PodStatus = {
  phase: "Pending" | "Running" | "Succeeded" | "Failed";
  podIP?: string;
  startTime?: string;
  conditions: Condition[];
  containerStatuses: ContainerStatus[];
};

export type Pod = KubeObject & { spec: PodSpec; status?: PodStatus };

export type PodTemplate = { metadata?: { labels?: Labels; annotations?: Labels }; spec: PodSpec };

export type Deployment = KubeObject & {
  spec: {
    replicas?: number;
    template: PodTemplate;
    minReadySeconds?: number;
    progressDeadlineSeconds?: number;
    strategy?: {
      type?: "RollingUpdate" | "Recreate";
      rollingUpdate?: { maxSurge?: number | string; maxUnavailable?: number | string };
    };
  };
};

export type StatefulSet = KubeObject & {
  spec: {
    replicas?: number;
    template: PodTemplate;
    podManagementPolicy?: "OrderedReady" | "Parallel";
    volumeClaimTemplates?: { metadata: { name: string }; spec: object }[];
  };
  status?: { currentRevision: string };
};

export type Job = KubeObject & {
  spec: { template: PodTemplate; backoffLimit?: number };
  status?: { conditions?: Condition[] };
};

export type ServicePort = {
  name?: string;
  port: number;
  targetPort?: number | string;
  nodePort?: number;
};

export type Service = KubeObject & {
  spec: { type?: string; selector?: Labels; ports: ServicePort[] };
};

/** What a Secret holds, in base64, or a ConfigMap, as it is. */
export type WithData = KubeObject & { data?: Labels };

type Known = {
  ConfigMap: WithData;
  Deployment: Deployment;
  Job: Job;
  Pod: Pod;
  Secret: WithData;
  Service: Service;
  StatefulSet: StatefulSet;
};

export type ObjectOf<K extends KindName> = K extends keyof Known ? Known[K] : KubeObject;

/** A time as Kubernetes writes it: whole seconds. */
export function timestamp(at = Date.now()): string {
  return new Date(at).toISOString().replace(/\.\d+/, "");
}
