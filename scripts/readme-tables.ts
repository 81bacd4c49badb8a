// Writes the tables that the code has, endpoints and configuration, into docs between their markers, those of the
// chart's values into its README, and writes .env.example:
//
//   bun scripts/readme-tables.ts
import { readFileSync } from "node:fs";
import { documentOf } from "../src/cli/commands/openapi.ts";
import { tracingVariables } from "../src/config/tracing.ts";
import type { Variable } from "../src/config/variable.ts";
import { defaultOf, type VariableName, variables } from "../src/config/variables.ts";
import { scopesOf } from "../src/pages/api-page.ts";
import { RESOURCES } from "../src/service.ts";
import { CHART } from "./manifests/render.ts";
import { valuesTables } from "./manifests/values-table.ts";
import { markdownTable } from "./shell/markdown-table.ts";

type Operation = { summary?: string; security?: Record<string, string[]>[] };
type Document = { paths?: Record<string, object> };

const path = (file: string) => new URL(`../${file}`, import.meta.url).pathname;
export const README = path("README.md");
export const API = path("docs/api.md");
export const CONFIGURATION = path("docs/configuration.md");
export const CHART_README = path(`${CHART}/README.md`);

/** Every route that the document lists. */
export function endpointsTable(document: Document): string {
  const rows = Object.entries(document.paths ?? {}).flatMap(([path, operations]) =>
    Object.entries<Operation>({ ...operations }).map(([method, operation]) => [
      code(`${method.toUpperCase()} ${path}`),
      scopesOf(operation).map(code).join(", "),
      operation.summary ?? "",
    ]),
  );
  return markdownTable(["Route", "Key's scope", "What it does"], rows);
}

/** Variables as people look for them; the first ten are all that most need. */
export const GROUPS: Readonly<Record<string, readonly VariableName[]>> = {
  "The ten that everybody needs": [
    ...(["ENVIRONMENT", "API_KEY", "HOST", "PORT", "DATABASE_URL", "DATA_DIR"] as const),
    ...(["CORS_ORIGINS", "TRUST_PROXY", "RATE_LIMIT", "LOG_LEVEL"] as const),
  ],
  "Keys, and what is public": [
    ...([
      "API_KEYS",
      "AUTH_FAILURE_LIMIT",
      "PUBLIC_READS",
      "PUBLIC_DOCS",
      "PUBLIC_DETAILS",
    ] as const),
  ],
  "The database": [
    ...(["DATABASE_PASSWORD", "DATABASE_CA_FILE", "DATABASE_POOL_SIZE"] as const),
    ...(["READY_WITHOUT_DATABASE", "SEED"] as const),
  ],
  "Connections and certificates": [
    ...(["TLS_CERT_FILE", "TLS_KEY_FILE", "METRICS_PORT", "IDLE_TIMEOUT_SECONDS"] as const),
  ],
  Limits: [
    ...([
      "MAX_BODY_BYTES",
      "MAX_URL_BYTES",
      "MAX_HEADER_BYTES",
      "MAX_CONCURRENT_REQUESTS",
    ] as const),
    ...(["MEMORY_BUDGET", "REQUEST_TIMEOUT_SECONDS", "RATE_LIMIT_STORE"] as const),
  ],
  Stopping: ["DRAIN_DELAY_SECONDS", "DRAIN_TIMEOUT_SECONDS"],
  "Logs and traces": [
    ...(["LOG_FORMAT", "LOG_ACCESS", "DEBUG"] as const),
    ...(Object.keys(tracingVariables) as (keyof typeof tracingVariables)[]),
  ],
};

/** Every variable, in its group. */
export function configurationTable(): string {
  return Object.entries(GROUPS)
    .map(([title, names]) => `## ${title}\n\n${variablesTable(names)}`)
    .join("\n\n");
}

function variablesTable(names: readonly VariableName[]): string {
  const rows = names.map((name) => {
    const { takes, description, secret }: Variable = variables[name];
    const fromFile = secret ? ` ${code(`${name}_FILE`)} may name a file with it instead.` : "";
    return [code(name), takes, defaultOf(variables[name]), description + fromFile];
  });
  return markdownTable(["Variable", "Takes", "Default", "What it does"], rows);
}

export const ENV_EXAMPLE = path(".env.example");

/** Every variable as a comment, with what it does, what it takes and its default. */
export function envExample(): string {
  const entries = Object.entries<Variable>(variables).map(([name, variable]) => {
    const { takes, description } = variable;
    const told = [description, `Takes ${takes}. Default: ${defaultOf(variable)}.`];
    const comment = told.map((text) => `# ${text.replaceAll("`", "")}`).join("\n");
    const value = typeof variable.default === "object" ? "" : String(variable.default ?? "");
    return `${comment}\n#${name}=${value}`;
  });
  const head =
    "# Copy this file to .env, which `npm start` and `npm run dev` read, and take away the # of what you set. So\n" +
    "# does Compose, for what compose.yml passes on. The executable and the images read no file: give them variables.";
  return `${[head, ...entries].join("\n\n")}\n`;
}

function code(text: string): string {
  return `\`${text}\``;
}

/** What stands between the markers `<!-- NAME -->` and `<!-- /NAME -->`. @throws {Error} without them. */
export function betweenMarkers(text: string, name: string): string {
  const found = markers(name).exec(text)?.[2];
  if (found === undefined) throw new Error(`there is no <!-- ${name} --> … <!-- /${name} -->`);
  return found.trim();
}

/** Each document that has tables, with the tables as the code has them, by name. */
export function tables(): Record<string, Record<string, string>> {
  return {
    [API]: { endpoints: endpointsTable(documentOf(RESOURCES)) },
    [CONFIGURATION]: { configuration: configurationTable() },
    [CHART_README]: { values: valuesTables(readFileSync(path(`${CHART}/values.yaml`), "utf8")) },
  };
}

/** Puts tables into their documents, between their markers. */
export async function writeTables(
  documents: Record<string, Record<string, string>>,
): Promise<void> {
  for (const [file, contents] of Object.entries(documents)) {
    await Bun.write(file, withTables(await Bun.file(file).text(), contents));
  }
}

/** A document with these tables between their markers. */
export function withTables(document: string, contents: Record<string, string>): string {
  let text = document;
  for (const [name, content] of Object.entries(contents)) {
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

async function main(): Promise<void> {
  await writeTables(tables());
  await Bun.write(ENV_EXAMPLE, envExample());
}

if (import.meta.main) await main();
