/** Values that cannot work, and what the chart says about them. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { HAS_TOOLS, NO_TOOLS, renderWith } from "./rendered.ts";

// The first test of a machine brings Helm.
setDefaultTimeout(120_000);

const SQLITE = ["image.repository=owner/thimble", "auth.existingSecret=keys"];
const POSTGRES = [...SQLITE, "database.kind=postgresql", "database.existingSecret=db"];

const refused: [what: string, settings: string[], says: string][] = [
  ["no Secret with keys", ["image.repository=owner/thimble"], "auth.existingSecret is empty"],
  [
    "the placeholder of the image",
    ["auth.existingSecret=keys"],
    "image.repository is OWNER/thimble, which is a placeholder",
  ],
  [
    "no key in the Secret",
    [...SQLITE, "auth.apiKeyKey="],
    "auth.apiKeyKey and auth.keysKey are both empty",
  ],
  [
    "SQLite with two instances",
    [...SQLITE, "replicaCount=2"],
    "replicaCount is 2, and a SQLite file has one instance",
  ],
  [
    "SQLite with autoscaling",
    [...SQLITE, "autoscaling.enabled=true"],
    "autoscaling.enabled needs PostgreSQL",
  ],
  ["SQLite with a Job", [...SQLITE, "migrations.mode=job"], "migrations.mode is job"],
  ["SQLite with an address", [...SQLITE, "database.url=postgres://db/api"], "are for PostgreSQL"],
  [
    "SQLite with limits in the database",
    [...SQLITE, "rateLimit.store=database"],
    "rateLimit.store is database, which needs PostgreSQL",
  ],
  [
    "limits per second in the database",
    [...POSTGRES, "rateLimit.store=database", "authFailureLimit=1/second"],
    "rateLimit.store is database with a limit per second",
  ],
  [
    "SQLite on a volume of many nodes, which its log does not survive",
    [...SQLITE, "persistence.accessMode=ReadWriteMany"],
    "at '/persistence/accessMode': value must be one of 'ReadWriteOncePod', 'ReadWriteOnce'",
  ],
  [
    "PostgreSQL without an address",
    [...SQLITE, "database.kind=postgresql"],
    "database.kind is postgresql without an address",
  ],
  [
    "PostgreSQL with two addresses",
    [...POSTGRES, "database.url=postgres://db/api"],
    "database.url and database.existingSecret both name the database",
  ],
  [
    "a password in a value",
    [...SQLITE, "database.kind=postgresql", "database.url=postgres://api:secret@db/api"],
    "database.url has a password, which everybody sees who can read the release",
  ],
  [
    "more connections than the database has",
    [...POSTGRES, "replicaCount=9", "database.maxConnections=100"],
    "(9 instances + 1 more during an update) x (database.poolSize 10 + 1 for /ready) + 2 for jobs = 112 connections, and database.maxConnections 100 leaves 97",
  ],
  [
    "more connections than the database has, with autoscaling",
    [
      ...POSTGRES,
      "autoscaling.enabled=true",
      "autoscaling.maxReplicas=20",
      "rollout.maxSurge=5",
      "database.poolSize=3",
      "database.maxConnections=100",
    ],
    "(20 instances + 5 more during an update) x (database.poolSize 3 + 1 for /ready) + 2 for jobs = 102 connections",
  ],
  [
    "fewer instances at most than at least",
    [...POSTGRES, "autoscaling.enabled=true", "autoscaling.minReplicas=7"],
    "autoscaling.minReplicas 7 is more than maxReplicas 6",
  ],
  [
    "an update that can never begin",
    [...POSTGRES, "rollout.maxSurge=0"],
    "rollout.maxSurge and rollout.maxUnavailable are both 0",
  ],
  [
    "an ingress that a policy shuts out",
    [...SQLITE, "ingress.enabled=true", "ingress.hosts={a.example}"],
    "networkPolicy.ingressFrom is empty",
  ],
  [
    "a Prometheus that a policy shuts out",
    [...SQLITE, "metrics.serviceMonitor.enabled=true"],
    "networkPolicy.metricsFrom is empty",
  ],
  [
    "an ingress without a host",
    [...SQLITE, "ingress.enabled=true", "networkPolicy.enabled=false"],
    "ingress.hosts is empty",
  ],
  [
    "a route without a Gateway",
    [...SQLITE, "httpRoute.enabled=true", "networkPolicy.enabled=false"],
    "httpRoute.parentRefs is empty",
  ],
  ["one port for two", [...SQLITE, "metrics.port=5000"], "metrics.port is 5000"],
  [
    "a canary without a Service",
    [...SQLITE, "httpRoute.canary.weight=5"],
    "httpRoute.canary.weight is 5, and httpRoute.canary.service names no Service",
  ],
  [
    "a variable that the chart sets, in env",
    [...SQLITE, "env.METRICS_PORT=1"],
    "the variable METRICS_PORT is set twice",
  ],
  [
    "a variable that the chart sets, in extraEnv",
    [...SQLITE, "extraEnv[0].name=DATA_DIR", "extraEnv[0].value=/x"],
    "the variable DATA_DIR is set twice",
  ],
  ["an unknown value", [...SQLITE, "replicas=1"], "additional properties 'replicas' not allowed"],
  [
    "an unknown value further in",
    [...SQLITE, "database.pool=1"],
    "at '/database': additional properties 'pool' not allowed",
  ],
  [
    "a wrong type",
    [...SQLITE, "metrics.port=http"],
    "at '/metrics/port': got string, want integer",
  ],
  ["a number out of range", [...SQLITE, "drain.timeoutSeconds=0"], "at '/drain/timeoutSeconds'"],
];

describe.skipIf(!HAS_TOOLS)(`the chart${NO_TOOLS}`, () => {
  for (const [what, settings, says] of refused) {
    test(`refuses ${what}`, async () => {
      const { exitCode, stdout, stderr } = await renderWith(settings);
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
      expect(stderr).toContain(says);
    });
  }

  test("refuses a Kubernetes that is too old, and accepts a cloud's own version of a newer one", async () => {
    const old = await renderWith(SQLITE, ["--kube-version=1.29.9"]);
    expect(old).toMatchObject({ exitCode: 1, stdout: "" });
    expect(old.stderr).toContain("chart requires kubeVersion: >=1.30.0-0");
    const cloud = await renderWith(SQLITE, ["--kube-version=1.30.4-gke.1348000"]);
    expect(cloud).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test("names all that is wrong at once", async () => {
    const { stderr } = await renderWith([...POSTGRES, "rollout.maxSurge=0", "env.HOST=::"]);
    expect(stderr).toContain("these values cannot work:\n\n- rollout.maxSurge");
    expect(stderr).toContain("\n- the variable HOST is set twice");
  });

  test("accepts what fits exactly: (9 + 1) x 11 + 2 = 112 connections of 115", async () => {
    const settings = [...POSTGRES, "replicaCount=9", "database.maxConnections=115"];
    expect(await renderWith(settings)).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test("can be a part of another chart, which gives it values of its own", async () => {
    const settings = [...SQLITE, "global.region=eu", "enabled=true"];
    expect(await renderWith(settings)).toMatchObject({ exitCode: 0, stderr: "" });
  });
});
