import { describe, expect, test } from "bun:test";
import {
  betweenMarkers,
  configurationTable,
  ENV_EXAMPLE,
  endpointsTable,
  envExample,
  README,
  tables,
  withTables,
} from "../scripts/readme-tables.ts";
import { appOf, documentOf } from "../src/cli/commands/openapi.ts";
import { secretNames, variables } from "../src/config/variables.ts";
import { RESOURCES } from "../src/service.ts";

const readme = await Bun.file(README).text();

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

describe("the README's endpoints", () => {
  const written = betweenMarkers(readme, "endpoints");

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

describe("the README's configuration", () => {
  const written = betweenMarkers(readme, "configuration");

  test("is that of the code (else run `bun scripts/readme-tables.ts`)", () => {
    expect(written).toBe(configurationTable());
  });

  test("has every variable, with its values, its default and its purpose", () => {
    const rows = rowsOf(written);
    expect(rows.map(([name]) => name)).toEqual(Object.keys(variables).map((name) => `\`${name}\``));
    for (const row of rows) {
      expect(row).toHaveLength(4);
      for (const cell of row) expect(cell).toMatch(/\S/);
    }
  });

  test("names the file of every secret", () => {
    for (const name of secretNames) expect(written).toContain(`\`${name}_FILE\``);
  });
});

test("writing the tables again changes nothing", () => {
  expect(withTables(readme, tables())).toBe(readme);
});

test(".env.example is that of the code (else run `bun scripts/readme-tables.ts`)", async () => {
  expect(envExample()).toBe(await Bun.file(ENV_EXAMPLE).text());
});

test("a document without markers is refused", () => {
  expect(() => withTables("# Thimble\n", { images: "" })).toThrow("there is no <!-- images -->");
});
