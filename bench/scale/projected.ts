import type { Projected } from "./capacity.ts";
import type { MeasuredCost, Results, Saving } from "./results.ts";

/** Reads of one book on PostgreSQL are what the projection goes over. */
const PROJECTED = "book-postgres";

/** @throws {Error} for results that lack it, as of a run with `--only`. */
export function projectedOf({ costs, savings }: Results): Projected & { saving: Saving } {
  const cost = costOfLoad(costs, PROJECTED);
  const saving = savings.find(({ title }) => title === cost.title);
  if (!saving) throw new Error(`the results have no ${cost.title} that is unchanged`);
  return { cost, bytes: saving.bytes.whole, saving };
}

export function costOfLoad(costs: readonly MeasuredCost[], id: string): MeasuredCost {
  const cost = costs.find((each) => each.id === id);
  if (!cost) throw new Error(`the results have no ${id}, only ${costs.map((each) => each.id)}`);
  return cost;
}
