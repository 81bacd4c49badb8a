/** What the Helm chart makes, with real Helm and without a cluster. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { VERSIONS } from "../../scripts/cluster-tools.ts";
import {
  containersOf,
  type Manifest,
  type PodTemplate,
  podsOf,
  readManifests,
} from "../../scripts/manifests/manifest.ts";
import { podSecurityProblems } from "../../scripts/manifests/pod-security.ts";
import { CHART, CI, renderText, valuesFiles } from "../../scripts/manifests/render.ts";
import { podProblems } from "../../scripts/manifests/rules.ts";
import { outputOf } from "../../scripts/shell/commands.ts";
import { allows } from "./network-policy.ts";
import { chartWith, HAS_TOOLS, NO_TOOLS, only, renderWith, TOOLS } from "./rendered.ts";

// The first test of a machine brings Helm and kubectl.
setDefaultTimeout(120_000);

const VALUES = await valuesFiles();
const PROBES = ["startupProbe", "readinessProbe", "livenessProbe"] as const;

const serverOf = (manifests: readonly Manifest[]) => {
  const workload = manifests.find(({ kind }) => ["Deployment", "StatefulSet"].includes(kind));
  const [pod] = workload ? podsOf(workload) : [];
  if (!workload || !pod) throw new Error("there is no workload");
  return { workload, pod, container: containersOf(pod.spec)[0] };
};

const variablesOf = (pod: PodTemplate) =>
  Object.fromEntries(
    (containersOf(pod.spec)[0]?.env ?? []).map(({ name, value }) => [name, value]),
  );

describe.skipIf(!HAS_TOOLS)(`the chart${NO_TOOLS}`, () => {
  test("is tested with Helm 4 and 3", async () => {
    for (const tool of ["helm", "helm3"] as const) {
      expect(await outputOf(TOOLS[tool], "version", "--short")).toStartWith(`v${VERSIONS[tool]}+`);
    }
    const { clientVersion } = JSON.parse(
      await outputOf(TOOLS.kubectl, "version", "--client", "--output=json"),
    );
    expect(clientVersion.gitVersion).toBe(`v${VERSIONS.kubectl}`);
  });

  for (const values of VALUES) {
    describe(`with ci/${values}.yaml`, () => {
      for (const helm of ["helm", "helm3"] as const) {
        test(`has nothing that helm lint --strict complains of (Helm ${VERSIONS[helm]})`, async () => {
          const file = `--values=${CI}/${values}.yaml`;
          const output = await outputOf(TOOLS[helm], "lint", "--strict", CHART, file);
          expect(output).toContain("1 chart(s) linted, 0 chart(s) failed");
        });
      }

      test("is the same with Helm 4 and 3", async () => {
        expect(await renderText(values, "helm3")).toBe(await renderText(values));
      });

      test("has only pods that fit Pod Security's restricted and the rules of this repository", async () => {
        const pods = (await chartWith(values)).flatMap(podsOf);
        expect(pods.length).toBeGreaterThan(1);
        for (const pod of pods) {
          const where = `${pod.of.kind}/${pod.of.metadata.name}`;
          const problems = [...podSecurityProblems(pod.spec), ...podProblems(pod)];
          expect({ where, problems }).toEqual({ where, problems: [] });
          expect(pod.spec.securityContext?.runAsUser).toBe(65532);
        }
      });

      test("has one image for all pods, and no other", async () => {
        const pods = (await chartWith(values)).flatMap(podsOf);
        const images = pods.flatMap(({ spec }) => containersOf(spec)).map(({ image }) => image);
        expect(new Set(images).size).toBe(1);
      });

      test("asks for the health on the port of the metrics, and waits for a drain", async () => {
        const { pod, container } = serverOf(await chartWith(values));
        const variables = variablesOf(pod);
        const seconds = (name: string) => Number(variables[name]);
        expect(pod.spec.terminationGracePeriodSeconds).toBe(
          seconds("DRAIN_DELAY_SECONDS") + seconds("DRAIN_TIMEOUT_SECONDS") + 20,
        );
        expect(container?.ports?.map(({ containerPort }) => `${containerPort}`)).toEqual([
          variables.PORT ?? "",
          variables.METRICS_PORT ?? "",
        ]);
        expect(PROBES.map((probe) => container?.[probe])).toEqual([
          {
            httpGet: { path: "/healthz", port: "metrics" },
            periodSeconds: 1,
            timeoutSeconds: 2,
            failureThreshold: values === "everything" ? 900 : 600,
          },
          {
            httpGet: { path: "/ready", port: "metrics" },
            periodSeconds: 5,
            timeoutSeconds: 3,
            failureThreshold: 2,
          },
          {
            httpGet: { path: "/healthz", port: "metrics" },
            periodSeconds: 10,
            timeoutSeconds: 5,
            failureThreshold: 6,
          },
        ]);
      });

      test("mounts every file that a variable names", async () => {
        for (const pod of (await chartWith(values)).flatMap(podsOf)) {
          for (const { env = [], volumeMounts = [] } of containersOf(pod.spec)) {
            const folders = volumeMounts.map(({ mountPath }) => mountPath);
            const files = env.filter(({ name }) => name.endsWith("_FILE"));
            for (const { value = "" } of files) {
              expect(folders).toContain(value.replace(/\/[^/]+$/, ""));
            }
            const named = (pod.spec.volumes ?? []).map(({ name }) => name);
            const claimed = pod.of.spec.volumeClaimTemplates?.map(
              (claim: Manifest) => claim.metadata.name,
            );
            for (const { name } of volumeMounts)
              expect([...named, ...(claimed ?? [])]).toContain(name);
          }
        }
      });

      test("selects its own pods, and only those of the server", async () => {
        const manifests = await chartWith(values);
        const { pod } = serverOf(manifests);
        const others = manifests.flatMap(podsOf).filter(({ of }) => of !== pod.of);
        const { selector } = only(manifests, "Service").spec;
        expect(pod.labels).toMatchObject(selector);
        for (const { labels } of others) expect(labels).not.toMatchObject(selector);
      });
    });
  }

  test("with SQLite is one instance, whose volume stays", async () => {
    const { workload, pod } = serverOf(await chartWith("sqlite"));
    expect(workload).toMatchObject({
      kind: "StatefulSet",
      spec: {
        replicas: 1,
        podManagementPolicy: "Parallel",
        persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
        volumeClaimTemplates: [
          { metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOncePod"] } },
        ],
      },
    });
    expect(variablesOf(pod)).toMatchObject({ DRAIN_DELAY_SECONDS: "0", DATA_DIR: "/data" });
    expect(variablesOf(pod)).not.toContainKeys(["READY_WITHOUT_DATABASE", "DATABASE_POOL_SIZE"]);
  });

  test("with SQLite is backed up by a second container, into a volume of its own", async () => {
    const manifests = await chartWith("sqlite-backup");
    const [, backup] = serverOf(manifests).pod.spec.containers;
    expect(backup?.args).toEqual(["backup", "--every", "6h", "--keep", "28", "/backups"]);
    expect(only(manifests, "PersistentVolumeClaim")).toMatchObject({
      metadata: { annotations: { "helm.sh/resource-policy": "keep" } },
      spec: { storageClassName: "slow", resources: { requests: { storage: "20Gi" } } },
    });
    expect(manifests.map(({ kind }) => kind)).not.toContain("CronJob");
  });

  test("with PostgreSQL is several instances, which no outage of the database takes out of the Service", async () => {
    const { workload, pod } = serverOf(await chartWith("postgresql"));
    expect(workload).toMatchObject({
      kind: "Deployment",
      spec: { replicas: 2, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
    });
    expect(variablesOf(pod)).toMatchObject({
      DATABASE_URL_FILE: "/secrets/database/uri",
      DATABASE_POOL_SIZE: "10",
      DRAIN_DELAY_SECONDS: "5",
      READY_WITHOUT_DATABASE: "true",
    });
  });

  test("passes on every value that is a variable of the service", async () => {
    const { pod } = serverOf(await chartWith("everything"));
    expect(variablesOf(pod)).toMatchObject({
      ENVIRONMENT: "staging",
      HOST: "::",
      API_KEY_FILE: "/secrets/auth/api-key",
      API_KEYS_FILE: "/secrets/auth/keys",
      DATABASE_URL: "postgres://thimble@db.databases:5432/thimble",
      DATABASE_PASSWORD_FILE: "/secrets/database-password/password",
      DATABASE_CA_FILE: "/secrets/database-ca/ca.crt",
      IDLE_TIMEOUT_SECONDS: "75",
      TRUST_PROXY: "10.0.0.0/8,fd00::/8",
      RATE_LIMIT: "1200/minute",
      RATE_LIMIT_STORE: "database",
      AUTH_FAILURE_LIMIT: "5/minute",
      TLS_CERT_FILE: "/secrets/tls/tls.crt",
      TLS_KEY_FILE: "/secrets/tls/tls.key",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://tempo.monitoring:4318",
      OTEL_EXPORTER_OTLP_HEADERS_FILE: "/secrets/tracing/headers",
      LOG_LEVEL: "DEBUG",
      MAX_BODY_BYTES: "65536",
      PUBLIC_DOCS: "false",
    });
  });

  for (const [what, settings, proxies] of [
    ["no proxy", [], "0"],
    [
      "an ingress",
      ["ingress.enabled=true", "ingress.hosts={a.example}", "networkPolicy.enabled=false"],
      "1",
    ],
    ["a number", ["trustProxy=2"], "2"],
    ["none after all", ["trustProxy=0"], "0"],
  ] as const) {
    test(`trusts ${proxies} proxies with ${what}`, async () => {
      const manifests = await renderedWith(...settings);
      expect(variablesOf(serverOf(manifests).pod).TRUST_PROXY).toBe(proxies);
    });
  }

  test("takes a 0 for a value, not for the lack of one", async () => {
    const manifests = await renderedWith(
      "database.kind=postgresql",
      "database.existingSecret=db",
      "replicaCount=0",
      "drain.delaySeconds=0",
    );
    const { workload, pod } = serverOf(manifests);
    expect(workload.spec.replicas).toBe(0);
    expect(variablesOf(pod).DRAIN_DELAY_SECONDS).toBe("0");
  });

  test("scales by the CPU of a core, and then has no number of instances of its own", async () => {
    const manifests = await chartWith("everything");
    expect(serverOf(manifests).workload.spec).not.toContainKey("replicas");
    expect(only(manifests, "HorizontalPodAutoscaler").spec).toMatchObject({
      minReplicas: 3,
      maxReplicas: 8,
      metrics: [
        {
          type: "ContainerResource",
          containerResource: {
            name: "cpu",
            container: "thimble",
            target: { type: "AverageValue", averageValue: "600m" },
          },
        },
      ],
      behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
    });
  });

  test("lets nodes drain: a budget only above one instance, and not for unready ones", async () => {
    expect(only(await chartWith("postgresql"), "PodDisruptionBudget").spec).toMatchObject({
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    });
    for (const manifests of [
      await chartWith("sqlite"),
      await renderedWith(
        "database.kind=postgresql",
        "database.existingSecret=db",
        "replicaCount=1",
      ),
    ]) {
      expect(manifests.map(({ kind }) => kind)).not.toContain("PodDisruptionBudget");
    }
  });

  test("migrates in a Job that needs nothing else of the chart", async () => {
    const manifests = await chartWith("everything");
    const job = only(manifests, "Job");
    const [pod] = podsOf(job);
    expect(job.metadata.annotations).toEqual({
      "helm.sh/hook": "pre-install,pre-upgrade",
      "helm.sh/hook-delete-policy": "before-hook-creation",
    });
    expect(pod?.spec.containers[0]?.args).toEqual(["migrate"]);
    const made = manifests.map(({ metadata }) => metadata.name);
    const secrets = pod?.spec.volumes?.flatMap(({ secret }) =>
      secret ? [(secret as { secretName: string }).secretName] : [],
    );
    expect(secrets).toEqual(["thimble-database", "db-ca"]);
    for (const secret of secrets ?? []) expect(made).not.toContain(secret);
    expect(job.spec.template.spec).not.toContainKey("volumeClaimTemplates");
  });

  test("backs PostgreSQL up by a CronJob, one at a time", async () => {
    const job = only(await chartWith("everything"), "CronJob");
    expect(job.spec.concurrencyPolicy).toBe("Forbid");
    expect(podsOf(job)[0]?.spec.containers[0]?.args).toEqual(["backup", "--keep", "7", "/backups"]);
  });

  test("is tested by its own image, through the Service", async () => {
    const manifests = await chartWith("sqlite");
    const [container] = only(manifests, "Pod").spec.containers;
    const service = only(manifests, "Service");
    expect(container.args).toEqual(["healthcheck"]);
    expect(container.env).toEqual([
      { name: "HOST", value: service.metadata.name },
      { name: "PORT", value: "9090" },
    ]);
    expect(service.spec.ports).toEqual([
      { name: "http", port: 80, targetPort: "http", appProtocol: "http" },
      { name: "metrics", port: 9090, targetPort: "metrics", appProtocol: "http" },
    ]);
    const [secured] = only(await chartWith("everything"), "Service").spec.ports;
    expect(secured.appProtocol).toBe("https");
  });

  for (const [values, says, url] of [
    ["sqlite", "on SQLite, 1 instance.", "curl localhost:5000/health"],
    ["postgresql", "on PostgreSQL, 2 instances.", "curl localhost:5000/health"],
    ["everything", "on PostgreSQL, 3 to 8 instances.", "curl https://api.example.com/health"],
  ] as const) {
    test(`of ci/${values}.yaml says after its installation how to ask it`, async () => {
      const command = [TOOLS.helm, "install", "api", CHART, "--dry-run=client"];
      const child = Bun.spawn([...command, `--values=${CI}/${values}.yaml`], {
        // It asks no cluster.
        env: { ...process.env, KUBECONFIG: "/dev/null" },
        stdout: "pipe",
      });
      const [, notes] = (await new Response(child.stdout).text()).split("\nNOTES:\n");
      expect(notes).toContain(`\n${says}\n`);
      expect(notes).toContain(`\n  ${url}\n`);
      expect(notes).toContain("\n  helm test api --namespace default\n");
    });
  }

  test("shares requests with a canary by weights", async () => {
    const [rule] = only(await chartWith("everything"), "HTTPRoute").spec.rules;
    expect(rule.backendRefs).toEqual([
      { name: "thimble", port: 80, weight: 90 },
      { name: "thimble-canary", port: 80, weight: 10 },
    ]);
  });

  test("has Prometheus read the metrics with a key, under the job's name of the rules", async () => {
    const { spec } = only(await chartWith("everything"), "ServiceMonitor");
    expect(spec.jobLabel).toBe("app.kubernetes.io/name");
    expect(spec.endpoints).toEqual([
      {
        port: "metrics",
        path: "/metrics",
        interval: "30s",
        authorization: { type: "Bearer", credentials: { name: "thimble-auth", key: "metrics" } },
      },
    ]);
    const service = only(await chartWith("everything"), "Service");
    expect(service.metadata.labels).toMatchObject(spec.selector.matchLabels);
  });

  test("has the rules and alerts of deploy/prometheus", async () => {
    const files = ["rules.yml", "alerts.yml"].map((file) =>
      Bun.file(`deploy/prometheus/${file}`).text(),
    );
    const groups = (await Promise.all(files)).flatMap(
      (text) => (Bun.YAML.parse(text) as { groups: object[] }).groups,
    );
    const rule = only(await chartWith("everything"), "PrometheusRule");
    expect(rule.spec.groups).toEqual(groups);
  });
});

async function renderedWith(...settings: string[]): Promise<Manifest[]> {
  const { exitCode, stdout, stderr } = await renderWith(settings, [`--values=${CI}/sqlite.yaml`]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return readManifests(stdout);
}

/** A pod in a namespace, or an address outside of the cluster. */
const inNamespace = (namespace: string, labels: Record<string, string> = {}) => ({
  namespace: { "kubernetes.io/metadata.name": namespace },
  labels,
});

describe.skipIf(!HAS_TOOLS)(`the network policy${NO_TOOLS}`, () => {
  const own = { "kubernetes.io/metadata.name": "api" };

  for (const [values, direction, peer, port, protocol, allowed] of [
    ["everything", "Ingress", inNamespace("gateways"), "http", "TCP", true],
    ["everything", "Ingress", inNamespace("gateways"), "metrics", "TCP", false],
    ["everything", "Ingress", inNamespace("monitoring"), "metrics", "TCP", true],
    ["everything", "Ingress", inNamespace("monitoring"), "http", "TCP", false],
    ["everything", "Ingress", inNamespace("api"), "http", "TCP", false],
    ["everything", "Ingress", { ip: "203.0.113.9" }, "http", "TCP", false],
    ["everything", "Egress", inNamespace("kube-system"), 53, "UDP", true],
    ["everything", "Egress", inNamespace("kube-system"), 53, "TCP", true],
    ["everything", "Egress", { ip: "169.254.20.10" }, 53, "UDP", true],
    ["everything", "Egress", { ip: "203.0.113.9" }, 53, "UDP", false],
    ["everything", "Egress", inNamespace("databases"), 5432, "TCP", true],
    ["everything", "Egress", inNamespace("databases"), 22, "TCP", false],
    ["everything", "Egress", inNamespace("other"), 5432, "TCP", false],
    ["everything", "Egress", inNamespace("monitoring"), 4318, "TCP", true],
    ["everything", "Egress", { ip: "203.0.113.9" }, 443, "TCP", false],
    ["postgresql", "Ingress", inNamespace("api"), "http", "TCP", true],
    ["postgresql", "Ingress", inNamespace("other"), "http", "TCP", false],
    ["postgresql", "Egress", { ip: "203.0.113.9" }, 5432, "TCP", true],
    ["postgresql", "Egress", { ip: "203.0.113.9" }, 443, "TCP", false],
    ["sqlite", "Egress", inNamespace("kube-system"), 53, "UDP", true],
    ["sqlite", "Egress", { ip: "203.0.113.9" }, 5432, "TCP", false],
  ] as const) {
    const who = "ip" in peer ? peer.ip : peer.namespace["kubernetes.io/metadata.name"];
    const verb = `${allowed ? "lets" : "does not let"} ${direction === "Ingress" ? "in" : "out"}`;
    test(`of ci/${values}.yaml ${verb} ${who} on ${protocol} ${port}`, async () => {
      const manifests = await chartWith(values);
      const policies = manifests.filter(({ kind }) => kind === "NetworkPolicy");
      const { labels } = serverOf(manifests).pod;
      const request = { direction, pod: { namespace: own, labels }, peer, port, protocol };
      expect(allows(policies, request)).toBe(allowed);
    });
  }

  test("lets the pod of helm test ask for the readiness, where only others may read metrics", async () => {
    const manifests = await chartWith("everything");
    const policies = manifests.filter(({ kind }) => kind === "NetworkPolicy");
    const test = only(manifests, "Pod").metadata.labels ?? {};
    const pod = { namespace: own, labels: serverOf(manifests).pod.labels };
    const peer = inNamespace("api", test);
    const request = { direction: "Ingress", pod, peer, port: "metrics", protocol: "TCP" } as const;
    expect(allows(policies, request)).toBe(true);
  });

  test("lets Jobs reach the database and nobody reach them", async () => {
    const manifests = await chartWith("everything");
    const policies = manifests.filter(({ kind }) => kind === "NetworkPolicy");
    const jobs = manifests.filter(({ kind }) => /Job$/.test(kind)).flatMap(podsOf);
    expect(jobs).toHaveLength(2);
    for (const { labels } of jobs) {
      const ask = (direction: "Ingress" | "Egress", namespace: string, port: number) =>
        allows(policies, {
          direction,
          pod: { namespace: own, labels },
          peer: inNamespace(namespace),
          port,
          protocol: "TCP",
        });
      expect(ask("Egress", "databases", 5432)).toBe(true);
      expect(ask("Egress", "monitoring", 4318)).toBe(false);
      expect(ask("Ingress", "api", 5000)).toBe(false);
    }
  });
});
