import { markdownTable, megabytes } from "../../scripts/shell/markdown-table.ts";
import { grouped } from "../../src/grouped.ts";
import { FLASK, type Result, type Results, readmeResults } from "./results.ts";

const HEADS = [
  "image",
  "MB",
  "pull MB, gzip / zstd",
  "layers / files / executables",
  "first 200, ms",
  "idle MiB, anon + shmem",
  "requests/s",
];

const LOCAL_MARK = "\\*";
const CITED_MARK = "†";

/** The results as Markdown: a table and its explanation. */
export function markdown(results: Results): string {
  const table = markdownTable(HEADS, [...results.results.map(resultRow), flaskRow()], "lrrrrrr");
  return [quickNote(results), table, ...notes(results)].filter(Boolean).join("\n\n");
}

const README_HEADS = ["image", "MB", "pull, MB", "start, ms", "idle, MiB", "requests/s"];

/** For the README: some variants, in few words. */
export function readmeMarkdown(results: Results): string {
  const rows = readmeResults(results).map((result) => [
    `**${result.name}**: ${result.description}`,
    megabytes(result.uncompressed),
    megabytes(result.contents.zstd),
    result.firstAnswerMs.toFixed(0),
    ((result.idle.anon + result.idle.shmem) / 2 ** 20).toFixed(0),
    grouped(Math.round(result.requestsPerSecond)),
  ]);
  return markdownTable(README_HEADS, rows, "lrrrrr");
}

/** For the README: the figures that matter, in a sentence. @throws {Error} without both images. */
export function readmeSummary({ results }: Results): string {
  const [tiny, standard] = ["tiny", "standard"].map((name) =>
    results.find((result) => result.name === name),
  );
  if (!tiny || !standard) throw new Error("tiny and standard were not measured");
  return (
    `The image \`tiny\` takes ${(tiny.uncompressed / 1e6).toFixed(0)} MB, and ` +
    `${(tiny.contents.zstd / 1e6).toFixed(0)} MB to pull; \`standard\` answers ` +
    `${standard.firstAnswerMs.toFixed(0)} ms after its start; one core answers ` +
    `${grouped(Math.round(standard.requestsPerSecond / 100) * 100)} requests for \`/health\` per second.`
  );
}

function resultRow(result: Result): string[] {
  const { contents, idle, localBases } = result;
  const mark = localBases.length > 0 ? LOCAL_MARK : "";
  return [
    `**${result.name}**${mark}: ${result.description}`,
    megabytes(result.uncompressed),
    `${megabytes(contents.gzip)} / ${megabytes(contents.zstd)}`,
    `${contents.layers} / ${contents.files} / ${contents.executables}`,
    result.firstAnswerMs.toFixed(0),
    `${mebibytes(idle.anon)} + ${mebibytes(idle.shmem)} = ${mebibytes(idle.anon + idle.shmem)}`,
    grouped(Math.round(result.requestsPerSecond)),
  ];
}

function flaskRow(): string[] {
  const { name, description, uncompressed, firstAnswerMs } = FLASK;
  return [
    `**${name}**${CITED_MARK}: ${description}`,
    megabytes(uncompressed),
    "",
    "",
    String(firstAnswerMs),
    "",
    "",
  ];
}

function quickNote({ quick }: Results): string {
  return quick ? "**A quick run: few repetitions, so times and rates are rough.**" : "";
}

function notes(results: Results): string[] {
  const { machine, versions, effort, conditions, compression } = results;
  const local = [...new Set(results.results.flatMap(({ localBases }) => localBases))];
  return [
    `${results.date.slice(0, 10)}, \`${results.command}\` at commit ${results.revision.slice(0, 7)}, ` +
      `on ${machine.cores} cores (${machine.cpu}), ` +
      `${machine.memoryGiB} GiB, Linux ${versions.linux} on ${machine.architecture}, ` +
      `Docker ${versions.engine}, Bun ${versions.bun}, wrk ${versions.wrk}.`,
    local.length > 0
      ? `${LOCAL_MARK} Base images built locally: ${local.join(", ")}. The public ones differ in size.`
      : "",
    `${CITED_MARK} Cited, not measured here.`,
    `Pull: the layers of \`docker save\`, as gzip -${compression.gzipLevel} (what \`docker push\` uses) ` +
      `and as zstd -${compression.zstdLevel}. First 200: from the container's \`State.StartedAt\` to the first ` +
      `200 of \`${conditions.ready}\`, median of ${effort.starts}. Idle: ` +
      `${conditions.settleMs / 1000} s later, from the cgroup, without the page cache. Requests: ` +
      `\`GET ${conditions.endpoint}\`, one core for the container and one for wrk, ` +
      `median of ${effort.turns} turns of ${effort.secondsPerTurn} s. All under ` +
      `\`--memory=${conditions.memory}\`. Go and Flask have two routes and no database.`,
  ];
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
