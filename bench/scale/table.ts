import type { Results as BenchResults } from "../results.ts";
import {
  accuracy,
  checkTable,
  coreTable,
  costTable,
  madeOn,
  unchangedTable,
} from "./measured-tables.ts";
import {
  assumptionsTable,
  balancerTable,
  cdnTable,
  connectionsTable,
  databaseTable,
  growthTable,
  knee,
  poolTable,
} from "./modelled-tables.ts";
import { projectedOf } from "./projected.ts";
import type { Results } from "./results.ts";

/** Every table of docs/scaling.md, by its name there. */
export function scalingTables(results: Results, bench: BenchResults): Record<string, string> {
  const projected = projectedOf(results);
  return {
    core: coreTable(bench),
    costs: costTable(results),
    check: `${checkTable(results)}\n\n${accuracy(results.checks)}\n\n${madeOn(results)}`,
    knee: knee(projected),
    connections: connectionsTable(),
    pools: poolTable(projected),
    database: databaseTable(results),
    balancers: balancerTable(projected),
    unchanged: unchangedTable(results),
    cdn: cdnTable(projected),
    growth: growthTable(projected),
    assumptions: assumptionsTable(),
  };
}
