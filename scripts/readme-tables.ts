// Writes the README's tables between their markers: endpoints and configuration from the code, runtimes
// and images from the last complete runs of their benchmarks:
//
//   bun scripts/readme-tables.ts
import { runCli } from "../src/cli/cli.ts";
import type { Variable } from "../src/config/variable.ts";
import { defaultOf, variables } from "../src/config/variables.ts";
import { idleRuntime } from "../test/runtime.ts";
import { markdownTable } from "./shell/markdown-table.ts";

type Operation = { summary?: string; security?: Record<string, string[]>[] };
type Document = { paths: Record<string, Record<string, Operation>> };

/** Results of a benchmark, as its last complete run wrote them. */
const benchmark = async (name: string) =>
  (await Bun.file(new URL(`../bench/${name}/results.md`, import.meta.url)).text()).trim();

export const README = new URL("../README.md", import.meta.url).pathname;

/** The OpenAPI document that `thimble openapi` prints. */
export async function readDocument(): Promise<Document> {
  const lines: string[] = [];
  const runtime = idleRuntime({
    stdout: (line) => void lines.push(line),
    stderr: console.error,
  });
  await runCli(["openapi"], runtime);
  return JSON.parse(lines.join("\n"));
}

/** Every route that the document lists. */
export function endpointsTable(document: Document): string {
  const rows = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => [
      code(`${method.toUpperCase()} ${path}`),
      scopesOf(operation).map(code).join(", "),
      operation.summary ?? "",
    ]),
  );
  return markdownTable(["Route", "Key's scope", "What it does"], rows);
}

/** The scopes that the key of an operation needs; every scheme names the same. */
function scopesOf({ security = [] }: Operation): string[] {
  return Object.values(security[0] ?? {}).flat();
}

export function configurationTable(): string {
  const rows = Object.entries<Variable>(variables).map(([name, variable]) => {
    const { takes, description, secret } = variable;
    const fromFile = secret ? ` ${code(`${name}_FILE`)} may name a file with it instead.` : "";
    return [code(name), takes, defaultOf(variable), description + fromFile];
  });
  return markdownTable(["Variable", "Takes", "Default", "What it does"], rows);
}

function code(text: string): string {
  return `\`${text}\``;
}

/** What stands between the markers `<!-- NAME -->` and `<!-- /NAME -->`. @throws {Error} without them. */
export function betweenMarkers(text: string, name: string): string {
  const found = markers(name).exec(text)?.[2];
  if (found === undefined) throw new Error(`README.md has no <!-- ${name} --> … <!-- /${name} -->`);
  return found.trim();
}

/** The README with the tables as the code and the last benchmark have them. */
export async function withTables(readme: string): Promise<string> {
  const tables = {
    endpoints: endpointsTable(await readDocument()),
    configuration: configurationTable(),
    runtimes: await benchmark("runtimes"),
    images: await benchmark("image"),
  };
  let text = readme;
  for (const [name, content] of Object.entries(tables)) {
    betweenMarkers(text, name);
    text = text.replace(markers(name), (_all, before, _old, after) =>
      [before, content, after].join("\n\n"),
    );
  }
  return text;
}

function markers(name: string): RegExp {
  return new RegExp(`(<!-- ${name} -->)([\\s\\S]*?)(<!-- /${name} -->)`);
}

if (import.meta.main) {
  await Bun.write(README, await withTables(await Bun.file(README).text()));
}
