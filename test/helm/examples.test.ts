/** The examples in deploy/gitops and deploy/examples fit the chart; check:manifests looks at their fields. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Manifest, podsOf, readManifests } from "../../scripts/manifests/manifest.ts";
import { renderExample } from "../../scripts/manifests/render.ts";
import { HAS_PROMETHEUS, NO_PROMETHEUS } from "../prometheus.ts";
import { chartWith, HAS_TOOLS, NO_TOOLS, only, renderWith } from "./rendered.ts";

// The first test of a machine brings Helm.
setDefaultTimeout(120_000);

const CHART = "oci://ghcr.io/OWNER/charts/thimble";
const directory = mkdtempSync(join(tmpdir(), "thimble-examples-"));
afterAll(() => rmSync(directory, { recursive: true }));

async function read(path: string): Promise<Manifest[]> {
  return readManifests(await Bun.file(`deploy/${path}`).text());
}

const [application] = await read("gitops/argocd/application.yaml");
const [applicationSet] = await read("gitops/argocd/applicationset.yaml");
const [source] = await read("gitops/flux/ocirepository.yaml");
const [release] = await read("gitops/flux/helmrelease.yaml");
const [rollout, preview] = await read("gitops/rollouts/rollout.yaml");
const [analysis] = await read("gitops/rollouts/analysis.yaml");
const [cluster] = await read("kustomize/components/cloudnative-pg/cluster.yaml");

describe("Argo CD and Flux", () => {
  test("take the chart from where it is published", () => {
    expect(application?.spec.source.repoURL).toBe(CHART);
    expect(source?.spec.url).toBe(CHART);
    expect(release?.spec.chartRef).toEqual({ kind: source?.kind, name: source?.metadata.name });
  });

  test("leave the number of instances to what scales them", () => {
    const [ignored] = application?.spec.ignoreDifferences ?? [];
    expect(ignored).toMatchObject({ kind: "Deployment", jsonPointers: ["/spec/replicas"] });
    expect(application?.spec.syncPolicy.syncOptions).toContain("RespectIgnoreDifferences=true");
    expect(release?.spec.driftDetection).toEqual({
      mode: "enabled",
      ignore: [{ paths: ["/spec/replicas"], target: { kind: "Deployment" } }],
    });
  });

  test("roll back what does not get ready, with Flux", () => {
    expect(release?.spec.upgrade.remediation).toEqual({
      strategy: "rollback",
      retries: 1,
      remediateLastFailure: true,
    });
  });

  test("have an Application for each overlay of Kustomize", async () => {
    const [{ list }] = applicationSet?.spec.generators ?? [];
    const named = list.elements.map(({ overlay }: { overlay: string }) => overlay);
    const overlays = new Bun.Glob("*/kustomization.yaml").scan("deploy/kustomize/overlays");
    const folders = (await Array.fromAsync(overlays)).map((file) => file.split("/")[0]);
    expect(named.toSorted()).toEqual(folders.toSorted());
  });

  describe.skipIf(!HAS_TOOLS)(`their values${NO_TOOLS}`, () => {
    test.each([
      ["Argo CD", application?.spec.source.helm.valuesObject],
      ["Flux", release?.spec.values],
    ])("of %s are values of the chart", async (name, values) => {
      const file = join(directory, `${name}.json`);
      await Bun.write(file, JSON.stringify(values));
      // What a released chart has of its own.
      const settings = ["image.repository=owner/thimble"];
      const rendered = await renderWith(settings, [`--values=${file}`]);
      expect(rendered).toMatchObject({ exitCode: 0, stderr: "" });
    });
  });
});

describe.skipIf(!HAS_TOOLS)(`Argo Rollouts${NO_TOOLS}`, () => {
  test("takes over the chart's Deployment, its pods and its Service", async () => {
    const manifests = await chartWith("postgresql");
    const deployment = only(manifests, "Deployment");
    const service = only(manifests, "Service");
    const { workloadRef, selector, strategy } = rollout?.spec ?? {};
    expect(workloadRef).toMatchObject({ kind: "Deployment", name: deployment.metadata.name });
    expect(selector.matchLabels).toEqual(deployment.spec.selector.matchLabels);
    expect(strategy.blueGreen).toMatchObject({
      activeService: service.metadata.name,
      previewService: preview?.metadata.name,
      postPromotionAnalysis: { templates: [{ templateName: analysis?.metadata.name }] },
    });
    expect(preview?.spec.selector).toEqual(service.spec.selector);
  });

  test("keeps the old instances longer than its analysis takes", () => {
    const { initialDelay, interval, count } = analysis?.spec.metrics[0] ?? {};
    const seconds = Number.parseInt(initialDelay, 10) + Number.parseInt(interval, 10) * count;
    expect(rollout?.spec.strategy.blueGreen.scaleDownDelaySeconds).toBeGreaterThan(seconds);
  });
});

describe.skipIf(!HAS_PROMETHEUS)(`the analysis${NO_PROMETHEUS}`, () => {
  const [{ value: namespace }] = analysis?.spec.args ?? [];
  const query: string = analysis?.spec.metrics[0].provider.prometheus.query.replaceAll(
    "{{args.namespace}}",
    namespace,
  );

  /** Runs `promtool test rules` for the errors and the answers of a minute. */
  async function share(errors: number, answers: number): Promise<string> {
    const series = (status: number, count: number, where = namespace) => ({
      series: `http_requests_total{namespace="${where}",job="thimble",route="/books",status="${status}"}`,
      values: `0+${count}x10`,
    });
    const rules = { groups: [{ name: "it", rules: [{ record: "share", expr: query }] }] };
    const tests = {
      rule_files: ["rules.json"],
      evaluation_interval: "1m",
      tests: [
        {
          interval: "15s",
          input_series: [
            series(200, answers - errors),
            series(503, errors),
            // Another release, which only fails.
            series(503, answers, "elsewhere"),
          ],
          promql_expr_test: [
            {
              expr: "share < 0.01",
              eval_time: "2m",
              exp_samples: [{ labels: "share", value: errors / answers }],
            },
          ],
        },
      ],
    };
    await Bun.write(join(directory, "rules.json"), JSON.stringify(rules));
    await Bun.write(join(directory, "tests.json"), JSON.stringify(tests));
    const { stdout, stderr } = Bun.spawnSync(["promtool", "test", "rules", "tests.json"], {
      cwd: directory,
    });
    return `${stdout}${stderr}`;
  }

  test("passes with one error in a thousand answers", async () => {
    expect(await share(1, 1000)).toContain("SUCCESS");
  });

  test("does not pass with one in fifty", async () => {
    expect(await share(20, 1000)).toContain("FAILED");
  });
});

describe.skipIf(!HAS_TOOLS)(`the example${NO_TOOLS}`, () => {
  test("of CloudNativePG names the operator's Secrets and pods, and counts its connections", async () => {
    const name = cluster?.metadata.name;
    const manifests = await renderExample("cloudnative-pg");
    const [pod] = podsOf(only(manifests, "Deployment"));
    const secrets = pod?.spec.volumes?.map(({ secret }) => secret as { secretName: string });
    expect(secrets?.map((each) => each?.secretName)).toEqual(
      expect.arrayContaining([`${name}-app`, `${name}-ca`]),
    );
    expect(JSON.stringify(only(manifests, "NetworkPolicy").spec.egress)).toContain(
      `{"cnpg.io/cluster":"${name}"}`,
    );
    const values = await Bun.file("deploy/examples/values/cloudnative-pg.yaml").text();
    const { database } = Bun.YAML.parse(values) as { database: { maxConnections: number } };
    expect(`${database.maxConnections}`).toBe(cluster?.spec.postgresql.parameters.max_connections);
  });

  test("of traces lets spans out to the collector", async () => {
    const { egress } = only(await renderExample("traces"), "NetworkPolicy").spec;
    expect(egress).toContainEqual({
      ports: [{ protocol: "TCP", port: 4318 }],
      to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }],
    });
  });

  test("of secrets that rotate makes those that the chart reads", async () => {
    const made = await read("examples/external-secret.yaml");
    const keys = new Map(
      made.map(({ spec }) => [
        spec.target.name,
        spec.data.map(({ secretKey }: { secretKey: string }) => secretKey),
      ]),
    );
    const [pod] = podsOf(only(await chartWith("postgresql"), "Deployment"));
    const mounted = pod?.spec.volumes?.flatMap(({ secret }) => (secret ? [secret] : []));
    expect(mounted).toHaveLength(2);
    for (const secret of mounted as { secretName: string; items: { key: string }[] }[]) {
      for (const { key } of secret.items) expect(keys.get(secret.secretName)).toContain(key);
    }
  });
});

test("the example of logs reads fields that the log has", async () => {
  const example = await Bun.file("deploy/examples/logs-to-loki.alloy").text();
  const [, expressions = ""] = /expressions = \{([^}]+)\}/.exec(example) ?? [];
  const read = [...expressions.matchAll(/= +"(\w+)"/g)].map(([, field = ""]) => field);
  const documented = await Bun.file("docs/logs-and-traces.md").text();
  const line = JSON.parse(/^\{"timestamp".+\}$/m.exec(documented)?.[0] ?? "{}");
  expect(read.length).toBeGreaterThan(3);
  for (const field of read) expect(line).toContainKey(field);
});
