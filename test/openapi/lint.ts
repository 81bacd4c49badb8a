// Checks the OpenAPI document by the rules of Redocly and of Spectral, with those of OWASP. Neither reaches the
// network:
//
//   bun run check:openapi
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runMain } from "../../scripts/shell/main.ts";
import { documentOf } from "../../src/cli/commands/openapi.ts";
import { boolean, choice, instant, integer, number, text } from "../../src/resources/field.ts";
import { defineResource } from "../../src/resources/resource.ts";
import { RESOURCES } from "../../src/service.ts";

/** Where the linters have their own packages: hundreds that the service does not need to be built or tested. */
export const TOOLS = import.meta.dir;

/** Next to the resources of the service, one with each kind of field, so that a fork's document passes too. */
export const EVERY_KIND = defineResource("reading_lists", {
  one: "reading_list",
  fields: {
    name: text({ max: 80 }),
    priority: integer({ optional: true }),
    score: number({ min: 0, max: 1 }),
    shared: boolean(),
    due: instant({ optional: true }),
    state: choice(["open", "done"]),
  },
  search: ["name"],
  filter: ["priority", "score", "shared", "due", "state"],
  sort: ["name", "score"],
});

/** Installs the tools from their lockfile, if they are not installed. */
export function installTools(): void {
  run([process.execPath, "install", "--frozen-lockfile", "--silent"]);
}

/** Without what they would send or ask on the network. */
const OFFLINE = { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };

function run(command: string[]): void {
  const env = { ...process.env, ...OFFLINE };
  const { exitCode } = Bun.spawnSync(command, { cwd: TOOLS, env, stdio: ["ignore", 2, 2] });
  if (exitCode !== 0) throw new Error(`failed: ${command.slice(1).join(" ")}`);
}

/** @throws {Error} where a rule is broken; the linter has printed which one, and where. */
export async function lint(document: object): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "thimble-openapi-"));
  try {
    const path = join(directory, "openapi.json");
    await Bun.write(path, JSON.stringify(document, null, 2));
    const tool = (name: string) => [process.execPath, join("node_modules/.bin", name)];
    run([...tool("redocly"), "lint", "--config", "redocly.yaml", path]);
    const strict = ["--fail-severity", "hint", "--display-only-failures"];
    run([...tool("spectral"), "lint", "--ruleset", "spectral.yaml", ...strict, path]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function main(): Promise<void> {
  installTools();
  await lint(documentOf([...RESOURCES, EVERY_KIND]));
}

if (import.meta.main) await runMain(main);
