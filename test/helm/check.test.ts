/** The checks of `bun run check:manifests` find mistakes, which are planted here in what the chart makes. */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { problemsOf } from "../../scripts/manifests/check.ts";
import { type Manifest, readManifests } from "../../scripts/manifests/manifest.ts";
import { installSchemas } from "../../scripts/manifests/schemas.ts";
import { chartWith, HAS_TOOLS, NO_TOOLS, only } from "./rendered.ts";

// The first test of a machine installs the schemas.
setDefaultTimeout(120_000);

type Planted = [what: string, plant: (manifests: Manifest[]) => void, finds: string];

const container = (manifests: Manifest[], kind = "Deployment") =>
  only(manifests, kind).spec.template.spec.containers[0];

const planted: Planted[] = [
  [
    "a number as text",
    (all) => {
      only(all, "HorizontalPodAutoscaler").spec.minReplicas = "3";
    },
    "HorizontalPodAutoscaler/thimble: /spec/minReplicas must be integer",
  ],
  [
    "a missing field",
    (all) => {
      delete only(all, "Service").spec.ports[0].port;
    },
    "Service/thimble: /spec/ports/0 must have required property port",
  ],
  [
    "an unknown field of a pod",
    (all) => {
      only(all, "Deployment").spec.template.spec.terminationGracePeriod = 5;
    },
    "'terminationGracePeriod' does not exist",
  ],
  [
    "an unknown field of a container",
    (all) => {
      container(all).securityContext.readOnlyRootFileSystem = true;
    },
    "'readOnlyRootFileSystem' does not exist",
  ],
  [
    "a port that cannot be",
    (all) => {
      only(all, "Ingress").spec.rules[0].http.paths[0].backend.service.port = { number: "http" };
    },
    "Ingress/thimble: /spec/rules/0/http/paths/0/backend/service/port/number must be integer",
  ],
  [
    "an unknown field of a route",
    (all) => {
      only(all, "HTTPRoute").spec.rules[0].backendRefs[0].weihgt = 5;
    },
    "Did you mean to write 'weight'?",
  ],
  [
    "an unknown field of a monitor",
    (all) => {
      only(all, "ServiceMonitor").spec.endpoints[0].prot = "metrics";
    },
    "'prot' does not exist",
  ],
  [
    "an unknown kind",
    (all) => {
      only(all, "Service").kind = "Servise";
    },
    "there is no kind Servise in v1",
  ],
  [
    "a pod that may become root",
    (all) => {
      container(all, "Job").securityContext.allowPrivilegeEscalation = true;
    },
    "Job/thimble-migrate: container migrate: allowPrivilegeEscalation is not false",
  ],
  [
    "a pod that keeps its rights",
    (all) => {
      container(all).securityContext.capabilities = {};
    },
    "Deployment/thimble: container thimble: capabilities.drop does not have ALL",
  ],
  [
    "a volume of the host",
    (all) => {
      const { volumes } = only(all, "Deployment").spec.template.spec;
      volumes.push({ name: "host", hostPath: { path: "/" } });
    },
    "Deployment/thimble: the volume host is of hostPath",
  ],
  [
    "a token",
    (all) => {
      delete only(all, "Pod").spec.automountServiceAccountToken;
    },
    "Pod/thimble-test: automountServiceAccountToken is not false",
  ],
  [
    "a file that never changes",
    (all) => {
      container(all).volumeMounts[1].subPath = "api-key";
    },
    "Deployment/thimble: container thimble: the mount of auth has a subPath",
  ],
  [
    "a hook that needs a shell",
    (all) => {
      container(all).lifecycle = { preStop: { exec: { command: ["sh", "-c", "sleep 5"] } } };
    },
    "Deployment/thimble: container thimble: it has a lifecycle hook",
  ],
  [
    "a Secret that the chart makes",
    (all) => {
      all.push({ apiVersion: "v1", kind: "Secret", metadata: { name: "made" } });
    },
    "Secret/made: a Secret is made by people, not by the chart",
  ],
];

describe.skipIf(!HAS_TOOLS)(`the check of manifests${NO_TOOLS}`, () => {
  let chart: Manifest[];
  beforeAll(async () => {
    if (installSchemas()) throw new Error("the schemas are installed now; run the tests again");
    chart = await chartWith("everything");
  });

  test("finds nothing wrong with the chart", async () => {
    expect(await problemsOf([{ path: "it", manifests: chart }])).toEqual([]);
  });

  test.each(planted)("finds %s", async (_, plant, finds) => {
    const manifests = structuredClone(chart);
    plant(manifests);
    const problems = await problemsOf([{ path: "it", manifests }]);
    expect(problems).toContainEqual(expect.stringContaining(finds));
    for (const problem of problems) expect(problem).toStartWith("it: ");
  });
});

test("a document that is no manifest is refused", () => {
  expect(() => readManifests("replicas: 1\n")).toThrow(
    'a document has no apiVersion or kind: {"replicas":1}',
  );
});
