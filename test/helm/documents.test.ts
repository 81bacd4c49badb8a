/** What is written twice about the chart says the same. */
import { describe, expect, test } from "bun:test";
import { version } from "../../package.json" with { type: "json" };
import { ruleFiles } from "../../scripts/manifests/copies.ts";
import { CHART } from "../../scripts/manifests/render.ts";
import { describedValues } from "../../scripts/manifests/values-table.ts";
import { VERSIONED_FILES, withVersion } from "../../scripts/release/versioned-files.ts";
import { variables } from "../../src/config/variables.ts";

type Schema = {
  $ref?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean;
};

const yaml = await Bun.file(`${CHART}/values.yaml`).text();
const schema: Schema = await Bun.file(`${CHART}/values.schema.json`).json();
const described = describedValues(yaml);

/** The paths of everything that a schema allows by name. */
function pathsOf({ properties = {} }: Schema, parent = ""): string[] {
  return Object.entries(properties).flatMap(([name, child]) => {
    const path = parent + name;
    return child.properties ? pathsOf(child, `${path}.`) : [path];
  });
}

describe("the values of the chart", () => {
  test("are each described by a comment", () => {
    expect(described.length).toBeGreaterThan(80);
    for (const { path, comment } of described) {
      expect({ path, comment }).toEqual({ path, comment: expect.stringMatching(/\w.*\.$/) });
    }
  });

  test("are those of the schema, which refuses all others", () => {
    const inSchema = pathsOf(schema).filter(
      // A parent chart sets these two; nothing here reads them.
      (path) => !["global", "enabled"].includes(path) && !path.startsWith("resources."),
    );
    const names = described.map(({ path }) => path).filter((path) => path !== "resources");
    expect(inSchema.toSorted()).toEqual(names.toSorted());
    const open = Object.entries(schema.properties ?? {}).filter(
      ([, child]) => child.properties && child.additionalProperties !== false,
    );
    expect({ root: schema.additionalProperties, open }).toEqual({ root: false, open: [] });
  });

  test("have the defaults that the comments of the service promise", () => {
    const value = (path: string) => described.find((each) => each.path === path)?.initial;
    expect(value("database.poolSize")).toBe(`${variables.DATABASE_POOL_SIZE.default}`);
    expect(value("idleTimeoutSeconds")).toBe(`${variables.IDLE_TIMEOUT_SECONDS.default}`);
    expect(value("drain.timeoutSeconds")).toBe(`${variables.DRAIN_TIMEOUT_SECONDS.default}`);
  });
});

test("the chart has the version of package.json", async () => {
  const chart = Bun.YAML.parse(await Bun.file(`${CHART}/Chart.yaml`).text());
  expect(chart).toMatchObject({ version, appVersion: version });
});

test.each(VERSIONED_FILES)(
  "%s has the version of package.json, where a release writes it",
  async (path) => {
    const text = await Bun.file(path).text();
    expect(withVersion(path, text, version)).toBe(text);
    expect(withVersion(path, text, "9.8.7")).not.toBe(text);
  },
);

test("the chart's rules are those of deploy/prometheus (else run `bun scripts/manifests/copies.ts`)", async () => {
  const files = await ruleFiles();
  expect(files.size).toBe(2);
  for (const [path, text] of files) expect(await Bun.file(path).text()).toBe(text);
});

test("no variable that the chart sets is unknown to the service", async () => {
  const template = await Bun.file(`${CHART}/templates/_environment.tpl`).text();
  const set = [...template.matchAll(/- name: ([A-Z_]+)$/gm)].map(([, name = ""]) => name);
  expect(set.length).toBeGreaterThan(15);
  const known = Object.keys(variables).flatMap((name) => [name, `${name}_FILE`]);
  // For OTEL_RESOURCE_ATTRIBUTES, which Kubernetes puts together.
  const own = ["POD_NAME", "POD_NAMESPACE"];
  expect(set.filter((name) => ![...known, ...own].includes(name))).toEqual([]);
});
