/** The base, the components and the overlays of Kustomize. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { kustomizeFiles, VALUES } from "../../scripts/manifests/copies.ts";
import { type Manifest, podsOf, readManifests } from "../../scripts/manifests/manifest.ts";
import { buildKustomization, CI, KUSTOMIZE, renderText } from "../../scripts/manifests/render.ts";
import { HAS_TOOLS, NO_TOOLS, only, renderWith } from "./rendered.ts";

// The first test of a machine brings Helm and kubectl.
setDefaultTimeout(120_000);

type Variables = { name: string; value?: string }[];

const envOf = (manifest: Manifest): Record<string, string | undefined> => {
  const [pod] = podsOf(manifest);
  const env: Variables = pod?.spec.containers[0]?.env ?? [];
  return Object.fromEntries(env.map(({ name, value }) => [name, value]));
};

const volumesOf = (manifest: Manifest) => podsOf(manifest)[0]?.spec.volumes;

describe.skipIf(!HAS_TOOLS)(`Kustomize${NO_TOOLS}`, () => {
  test("has what the chart makes (else run `bun scripts/manifests/copies.ts`)", async () => {
    const files = kustomizeFiles(await renderText(VALUES));
    expect(files.size).toBe(9);
    for (const [path, text] of files) {
      const written = readManifests(await Bun.file(path).text());
      expect({ path, manifests: written }).toEqual({ path, manifests: readManifests(text) });
    }
  });

  test("has a base that needs nothing but Kubernetes itself", async () => {
    const kinds = (await buildKustomization("base")).map(({ kind }) => kind);
    expect(kinds.toSorted()).toEqual(["Deployment", "Service"]);
  });

  test.each([
    [
      "dev",
      1,
      "development",
      ["Cluster", "Deployment", "Service"],
      { RATE_LIMIT: "off", AUTH_FAILURE_LIMIT: "off", DRAIN_DELAY_SECONDS: "0" },
    ],
    [
      "staging",
      2,
      "staging",
      [
        "Cluster",
        "Deployment",
        "HTTPRoute",
        "NetworkPolicy",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "PrometheusRule",
        "Service",
        "ServiceMonitor",
      ],
      {},
    ],
    [
      "prod",
      undefined,
      "production",
      [
        "Cluster",
        "Deployment",
        "HTTPRoute",
        "HorizontalPodAutoscaler",
        "Job",
        "NetworkPolicy",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "PrometheusRule",
        "Service",
        "ServiceMonitor",
      ],
      {},
    ],
  ])("builds %s with %p instances", async (overlay, replicas, environment, kinds, variables) => {
    const manifests = await buildKustomization(`overlays/${overlay}`);
    expect(manifests.map(({ kind }) => kind).toSorted()).toEqual(kinds);
    for (const { metadata } of manifests) expect(metadata.namespace).toBe(`thimble-${overlay}`);
    const deployment = only(manifests, "Deployment");
    expect(deployment.spec.replicas).toBe(replicas);
    expect(envOf(deployment)).toMatchObject({ ENVIRONMENT: environment, ...variables });
    const images = manifests.flatMap(podsOf).map(({ spec }) => spec.containers[0]?.image);
    for (const image of images) expect(image).toMatch(/^ghcr\.io\/OWNER\/thimble:.+-standard$/);
  });

  test("takes the URL and the CA of PostgreSQL from CloudNativePG, for the Job too", async () => {
    const manifests = await buildKustomization("overlays/prod");
    const { name } = only(manifests, "Cluster").metadata;
    for (const kind of ["Deployment", "Job"]) {
      const manifest = only(manifests, kind);
      expect(envOf(manifest)).toMatchObject({
        DATABASE_URL_FILE: "/secrets/database/uri",
        DATABASE_CA_FILE: "/secrets/database-ca/ca.crt",
      });
      expect(volumesOf(manifest)).toContainEqual({
        name: "database",
        secret: expect.objectContaining({ secretName: `${name}-app` }),
      });
      expect(volumesOf(manifest)).toContainEqual({
        name: "database-ca",
        secret: expect.objectContaining({ secretName: `${name}-ca` }),
      });
    }
  });

  test("has Argo CD make the database first, then migrate, then replace the instances", async () => {
    const manifests = await buildKustomization("overlays/prod");
    const waveOf = ({ metadata }: Manifest) =>
      Number(metadata.annotations?.["argocd.argoproj.io/sync-wave"] ?? 0);
    const job = only(manifests, "Job");
    expect(job.metadata.annotations).toMatchObject({
      // Not PreSync, where the operator has made no Secret yet.
      "argocd.argoproj.io/hook": "Sync",
      "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
    });
    const order = Object.groupBy(manifests, waveOf);
    expect(order[-2]?.map(({ kind }) => kind)).toEqual(["Cluster"]);
    expect(order[-1]).toEqual([job]);
    expect(order[0]).toHaveLength(manifests.length - 2);
  });

  test("has a label by which kubectl applies the Job alone", async () => {
    const label = "app.kubernetes.io/component";
    const manifests = await buildKustomization("overlays/prod");
    const applied = manifests.filter(({ metadata }) => metadata.labels?.[label] === "migration");
    expect(applied).toEqual([only(manifests, "Job")]);
    expect(await Bun.file("docs/kubernetes.md").text()).toContain(`--selector ${label}=migration`);
  });

  test("has a database with enough connections, by the chart's own count", async () => {
    const manifests = await buildKustomization("overlays/prod");
    const { maxReplicas } = only(manifests, "HorizontalPodAutoscaler").spec;
    const deployment = only(manifests, "Deployment");
    const { maxSurge } = deployment.spec.strategy.rollingUpdate;
    const chartWithMost = (most: string) =>
      renderWith(
        [
          `autoscaling.maxReplicas=${maxReplicas}`,
          `rollout.maxSurge=${maxSurge}`,
          `database.poolSize=${envOf(deployment).DATABASE_POOL_SIZE}`,
          `database.maxConnections=${most}`,
        ],
        [`--values=${CI}/${VALUES}.yaml`],
      );
    const { max_connections: most } = only(manifests, "Cluster").spec.postgresql.parameters;
    expect(await chartWithMost(most)).toMatchObject({ exitCode: 0, stderr: "" });
    const { stderr } = await chartWithMost("1");
    const [count = "none"] = /\(.+ = \d+ connections/.exec(stderr) ?? [];
    const folder = `${KUSTOMIZE}/components/cloudnative-pg`;
    expect(await Bun.file(`${folder}/cluster.yaml`).text()).toContain(`# ${count}`);
  });
});
