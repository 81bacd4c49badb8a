/** What is common to all that Kubernetes stores. */
export type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Labels; annotations?: Labels; namespace?: string };
  // What it holds depends on the kind; schemas and types check it.
  // biome-ignore lint/suspicious/noExplicitAny: thousands of shapes, and each reader knows which it has.
  spec?: any;
};

type Labels = Record<string, string>;

/** The documents of a YAML file, without the empty ones. @throws {Error} where one is no manifest. */
export function readManifests(text: string): Manifest[] {
  const documents = [Bun.YAML.parse(text)].flat().filter((document) => document !== null);
  for (const document of documents) {
    const { apiVersion, kind } = document as Manifest;
    if (!apiVersion || !kind) {
      throw new Error(`a document has no apiVersion or kind: ${JSON.stringify(document)}`);
    }
  }
  return documents as Manifest[];
}

/** `Deployment/thimble`. */
export const nameOf = ({ kind, metadata }: Manifest) => `${kind}/${metadata?.name}`;

/** The group of an API: empty for the core. */
export const groupOf = ({ apiVersion }: Manifest) =>
  apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";

/** A pod, and where it is described. */
export type PodTemplate = { of: Manifest; path: string; labels: Labels; spec: PodSpec };

export type PodSpec = {
  containers: Container[];
  initContainers?: Container[];
  volumes?: (Record<string, unknown> & { name: string })[];
  securityContext?: SecurityContext;
  [field: string]: unknown;
};

export type Container = {
  name: string;
  image: string;
  args?: string[];
  command?: string[];
  env?: { name: string; value?: string }[];
  ports?: { name: string; containerPort: number; hostPort?: number }[];
  volumeMounts?: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[];
  resources?: { requests?: Labels; limits?: Labels };
  securityContext?: SecurityContext;
  [field: string]: unknown;
};

export type SecurityContext = {
  runAsNonRoot?: boolean;
  runAsUser?: number;
  privileged?: boolean;
  allowPrivilegeEscalation?: boolean;
  readOnlyRootFilesystem?: boolean;
  procMount?: string;
  capabilities?: { add?: string[]; drop?: string[] };
  seccompProfile?: { type: string };
  [field: string]: unknown;
};

/** The pods that a manifest leads to: of a workload, a Job, a CronJob or itself. */
export function podsOf(manifest: Manifest): PodTemplate[] {
  const { kind, metadata, spec } = manifest;
  if (kind === "Pod") return [{ of: manifest, path: "spec", labels: metadata.labels ?? {}, spec }];
  const [path, template] =
    kind === "CronJob"
      ? ["spec.jobTemplate.spec.template.spec", spec?.jobTemplate?.spec?.template]
      : ["spec.template.spec", spec?.template];
  if (template?.spec?.containers === undefined) return [];
  return [{ of: manifest, path, labels: template.metadata?.labels ?? {}, spec: template.spec }];
}

export const containersOf = ({ containers, initContainers = [] }: PodSpec) => [
  ...initContainers,
  ...containers,
];
