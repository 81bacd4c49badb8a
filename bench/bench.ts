// The service compared with a bare `Bun.serve` and with other frameworks, by CPU time for a request:
//
//   bun run bench [--only health,process] [--peers go] [--rounds 5] [--seconds 4] [--long] [--program FILE]
//     [--json FILE] [--save]
//
// It builds the executable, or measures the one that --program names, and prints tables. --long goes on to 3 million
// requests, which takes minutes. --save replaces what is published (see publish.ts). It needs Linux, two cores, wrk,
// taskset and gcc.
import { parseArgs } from "node:util";
import { runMain, UsageError } from "../scripts/shell/main.ts";
import { PARTS } from "./parts.ts";
import { PEERS } from "./peers.ts";
import { save, writeJson } from "./publish.ts";
import { runParts } from "./run.ts";
import { markdown } from "./table.ts";

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      peers: { type: "string" },
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "4" },
      long: { type: "boolean", default: false },
      program: { type: "string" },
      json: { type: "string" },
      save: { type: "boolean", default: false },
    },
  });
  return {
    parts: listed(values.only, PARTS),
    peers: listed(values.peers, PEERS),
    effort: { rounds: wholeNumber(values.rounds), seconds: wholeNumber(values.seconds) },
    isLong: values.long,
    program: values.program,
    json: values.json,
    save: values.save,
  };
}

/** Those of `all` that a list of the command line names, all without a list, and none for an empty one. */
function listed<T extends { id: string }>(list: string | undefined, all: readonly T[]): T[] {
  if (list === undefined) return [...all];
  const names = list.split(",").filter(Boolean);
  const ids = all.map(({ id }) => id);
  const unknown = names.find((name) => !ids.includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no ${unknown}, only ${ids.join(", ")}`);
  return all.filter(({ id }) => names.includes(id));
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new UsageError(`${text} is not a whole number above 0`);
}

async function main(): Promise<void> {
  const options = readOptions();
  const results = await runParts(options);
  console.log(markdown(results));
  if (options.json) await writeJson(options.json, results);
  if (options.save) await save(results);
}

await runMain(main);
process.exit();
