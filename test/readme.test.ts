import { describe, expect, test } from "bun:test";
import { basename } from "node:path";
import {
  API,
  betweenMarkers,
  CONFIGURATION,
  configurationTable,
  ENV_EXAMPLE,
  endpointsTable,
  envExample,
  GROUPS,
  tables,
  withTables,
} from "../scripts/readme-tables.ts";
import { appOf, documentOf } from "../src/cli/commands/openapi.ts";
import { secretNames, variables } from "../src/config/variables.ts";
import { RESOURCES } from "../src/service.ts";

const api = await Bun.file(API).text();
const configuration = await Bun.file(CONFIGURATION).text();

/** The cells of a table's rows, without the header. */
function rowsOf(table: string): string[][] {
  return table
    .split("\n")
    .slice(2)
    .map((line) => line.replace(/^\| | \|$/g, "").split(/ \| /));
}

/** The routes of `app`, in OpenAPI's spelling, without middleware. */
function servedRoutes(): string[] {
  // The second path of every resource is not in the table.
  const others = RESOURCES.map(({ name }) => `/api/v1/${name}`);
  const served = appOf(RESOURCES).routes.filter(
    ({ method, path }) => method !== "ALL" && !others.some((start) => path.startsWith(start)),
  );
  const names = served.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  return [...new Set(names)].toSorted();
}

describe("the endpoints in docs/api.md", () => {
  const written = betweenMarkers(api, "endpoints");

  test("are those of the code (else run `bun scripts/readme-tables.ts`)", () => {
    expect(written).toBe(endpointsTable(documentOf(RESOURCES)));
  });

  test("are every route that the app serves", () => {
    const listed = rowsOf(written).map(([cell = ""]) => cell.replaceAll("`", ""));
    expect(listed.toSorted()).toEqual(servedRoutes());
  });

  test("say which need a key, and its scope", () => {
    const keyed = rowsOf(written).filter(([, scope]) => scope?.trim());
    expect(keyed.map(([route = "", scope]) => [route.split(",")[0], scope])).toEqual([
      ["`POST /api/v1/process`", "`process`"],
      ...RESOURCES.flatMap(({ name }) =>
        [`POST /${name}`, `PUT /${name}/{id}`, `PATCH /${name}/{id}`, `DELETE /${name}/{id}`].map(
          (route) => [`\`${route}\``, `\`${name}:write\``],
        ),
      ),
    ]);
  });
});

describe("the variables in docs/configuration.md", () => {
  const written = betweenMarkers(configuration, "configuration");

  test("is that of the code (else run `bun scripts/readme-tables.ts`)", () => {
    expect(written).toBe(configurationTable());
  });

  test("has every variable, with its values, its default and its purpose", () => {
    const rows = written
      .split(/^## .+$/m)
      .slice(1)
      .flatMap((group) => rowsOf(group.trim()));
    const names = rows.map(([name = ""]) => name.replaceAll("`", ""));
    expect(names.toSorted()).toEqual(Object.keys(variables).toSorted());
    expect(Object.values(GROUPS)[0]).toHaveLength(10);
    for (const row of rows) {
      expect(row).toHaveLength(4);
      for (const cell of row) expect(cell).toMatch(/\S/);
    }
  });

  test("names the file of every secret", () => {
    for (const name of secretNames) expect(written).toContain(`\`${name}_FILE\``);
  });
});

for (const [file, contents] of Object.entries(tables())) {
  test(`writing the tables of ${basename(file)} again changes nothing`, async () => {
    const text = await Bun.file(file).text();
    expect(withTables(text, contents)).toBe(text);
  });
}

test("writing .env.example again changes nothing, and it sets nothing", async () => {
  const text = await Bun.file(ENV_EXAMPLE).text();
  expect(envExample()).toBe(text);
  for (const line of text.split("\n")) expect(line).toMatch(/^(#|$)/);
});

test("a document without markers is refused", () => {
  expect(() => withTables("# Thimble\n", { images: "" })).toThrow("there is no <!-- images -->");
});
