import { expect, test } from "bun:test";
import { basename } from "node:path";
import { withTables } from "../scripts/readme-tables.ts";
import { benchmarkCharts, benchmarkTables } from "./tables.ts";

for (const [file, contents] of Object.entries(await benchmarkTables())) {
  test(`writing the results of ${basename(file)} again changes nothing`, async () => {
    const text = await Bun.file(file).text();
    expect(withTables(text, contents)).toBe(text);
  });
}

for (const [file, svg] of Object.entries(benchmarkCharts())) {
  test(`${basename(file)} shows the saved results`, async () => {
    expect(await Bun.file(file).text()).toBe(svg);
  });
}
