/** Everything that docs/operations.md, the runbook, names must exist. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { runCli } from "../src/cli/cli.ts";
import { secretNames, variables } from "../src/config/variables.ts";
import { createMemoryDatabase } from "../src/database/memory.ts";
import { NewerSchemaError } from "../src/database/migrations/migration.ts";
import { noAnswer } from "../src/database/postgres/time-limits.ts";
import { reason } from "../src/server/database/sqlite-file.ts";
import { createServiceMetrics } from "../src/server/telemetry/service-metrics.ts";
import { REFUSALS } from "../src/telemetry/metrics.ts";
import { openApp } from "./app.ts";
import { HAS_PROMETHEUS, NO_PROMETHEUS, startPrometheus } from "./prometheus.ts";
import { idleRuntime } from "./runtime.ts";

setDefaultTimeout(30_000);

const ROOT = join(import.meta.dir, "..");
const DOCS = join(ROOT, "docs");
const read = (path: string) => Bun.file(join(ROOT, path)).text();

const runbook = await read("docs/operations.md");
const alertRules = await read("deploy/prometheus/alerts.yml");
const compose = await read("compose.yml");

/** The first group of every match, without duplicates. */
function found(text: string, pattern: RegExp): string[] {
  return [...new Set(Array.from(text.matchAll(pattern), ([, group = ""]) => group))];
}

/** At least one match is required, because a pattern that finds nothing proves nothing. */
function someOf(text: string, pattern: RegExp): string[] {
  const all = found(text, pattern);
  expect(all).not.toBeEmpty();
  return all;
}

/** The part of the runbook under a heading of the second level. */
function part(heading: string): string {
  const [, text = ""] = runbook.split(`\n## ${heading}\n`);
  return text.split("\n## ")[0] ?? "";
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(document: string): string[] {
  const headings = found(document.replace(/^```[\s\S]*?^```$/gm, ""), /^#+ (.+)$/gm);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

const alerts = () => someOf(alertRules, /- alert: (\w+)/g);

describe("the runbook's alerts", () => {
  test("are those of deploy/prometheus/alerts.yml, in their order", () => {
    expect(found(part("Alerts"), /^### (.+)$/gm)).toEqual(alerts());
  });

  test("have the severity of their rules", () => {
    const written = runbook.matchAll(/^### (\w+)\n\*\*(\w+)\.\*\*/gm);
    const rules = alertRules.matchAll(/- alert: (\w+)\n[\s\S]*?severity: (\w+)/g);
    const pairs = (matches: Iterable<RegExpMatchArray>) =>
      Array.from(matches, ([, name, severity]) => `${name} ${severity}`);
    expect(pairs(written)).toEqual(pairs(rules));
  });

  test("are the targets of each alert's `runbook`", () => {
    const links = found(alertRules, /runbook: (\S+)/g);
    expect(links).toHaveLength(alerts().length);
    for (const link of links) {
      const [path, anchor = ""] = link.split("#");
      expect(path).toBe("docs/operations.md");
      expect(anchorsOf(runbook)).toContain(anchor);
    }
  });
});

test("every link leads to a document, and to one of its headings", async () => {
  for (const link of someOf(runbook, /\]\(([^)\s]+)\)/g)) {
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? join(DOCS, "operations.md") : resolve(DOCS, path);
    expect({ link, exists: existsSync(target) }).toEqual({ link, exists: true });
    if (anchor) expect(anchorsOf(await Bun.file(target).text())).toContain(anchor);
  }
});

test("every variable is one of the configuration, or of compose.yml", () => {
  const known = [
    ...Object.keys(variables),
    ...secretNames.map((name) => `${name}_FILE`),
    ...found(compose, /\$\{(\w+)/g),
  ];
  const names = someOf(runbook, /(?<![\w%-])([A-Z]+(?:_[A-Z]+)+)\b/g);
  expect(names.filter((name) => !known.includes(name))).toEqual([]);
});

test("every route is served", () => {
  const clock = Date.now;
  const metrics = createServiceMetrics(createMemoryDatabase(), clock);
  const { app } = openApp({ metrics });
  const served = app.routes.map(({ path }) => path);
  const paths = someOf(runbook, /(?:\$URL|(?<=[\s(])`(?:GET )?)(\/(?!data\b)[a-z]\w*)/g);
  expect(paths.filter((path) => !served.includes(path))).toEqual([]);
});

test("every command of the executable exists, with its options", async () => {
  const code = found(runbook, /(^```[\s\S]*?^```$|`[^`\n]+`)/gm).join("\n");
  const COMMAND = /(?:(?<!-[Uu] )\bthimble|run --rm backup) ([a-z]+(?: (?:--\w+|[\w./]+))*)/g;
  for (const command of someOf(code.replace("ALTER ROLE thimble", ""), COMMAND)) {
    const [name = "", ...rest] = command.split(" ");
    const help = await helpOf(name);
    for (const option of rest.filter((word) => word.startsWith("--"))) {
      expect(help).toContain(option);
    }
  }
});

async function helpOf(command: string): Promise<string> {
  const lines: string[] = [];
  const stdout = (line: string) => void lines.push(line);
  expect(await runCli([command, "--help"], idleRuntime({ stdout }))).toBe(0);
  return lines.join("\n");
}

test("every service of Compose is in compose.yml, and so is every profile", () => {
  const services = found(compose.split("\nnetworks:")[0] ?? "", /^ {2}([a-z]+):$/gm);
  const named = someOf(
    runbook,
    /docker compose (?:--profile \w+ )?(?:exec|ps|logs|up|restart|kill|cp)(?: (?:-{1,2}[\w-]+|HUP|20))* ([a-z]+)\b/g,
  );
  expect(named.filter((name) => !services.includes(name))).toEqual([]);
  const profiles = found(compose, /profiles: \[(\w+)\]/g);
  expect(someOf(runbook, /--profile (\w+)/g).every((name) => profiles.includes(name))).toBe(true);
});

test("every message of the log is written by the code", async () => {
  const source = await sourceText();
  const lines = ["request failed", "crashed", "draining", "stopped", "requests cut off"];
  const others = ["backup failed", "secrets reloaded", "certificate changed"];
  const quoted = [...lines, ...others];
  expect(quoted.filter((message) => !runbook.includes(`\`${message}\``))).toEqual([]);
  const messages = [...quoted, ...someOf(runbook, /\.message == "([^"]+)"/g)];
  expect(messages.filter((message) => !source.includes(`"${message}"`))).toEqual([]);
});

test("every reason for a refusal is counted", () => {
  const [, alert = ""] = runbook.split("### ThimbleAvailabilityBurnsFast\n");
  const reasons = someOf(alert.split("\n### ")[0] ?? "", /`([a-z]+_?[a-z]*)`: /g);
  for (const reason of reasons) expect(REFUSALS as readonly string[]).toContain(reason);
});

test("messages about faults are quoted exactly", () => {
  const cause = noAnswer().cause;
  expect(runbook).toContain(`\`${cause instanceof Error ? cause.message : ""}\``);
  expect(new NewerSchemaError({ version: 3, compatibleFrom: 3 }, 2).message).toStartWith(
    found(runbook, /`(The database has [^`]+)`/g)[0] ?? "none",
  );
  const corrupt = Object.assign(new Error(), { errcode: 11 });
  expect(reason(corrupt)).toContain(found(runbook, /`(it is [^`]+)`/g)[0] ?? "none");
});

describe("every query", () => {
  const queries = [
    ...someOf(runbook, /\bquery '([^']+)'/g),
    ...someOf(runbook, /\bquery ([a-z]+[_:][\w:]+)/g),
  ];

  test("uses existing metrics, or those that rules.yml records", async () => {
    const metrics = found(await read("docs/metrics.md"), /^\| `(\w+)` \|/gm);
    const rules = found(await read("deploy/prometheus/rules.yml"), /record: (\S+)/g);
    const family = (name: string) => (name.includes(":") ? name : name.replace(/_bucket$/, ""));
    const names = someOf(
      runbook,
      /(?<!%\{)\b((?:job|job_route):[\w:]+|thimble_[a-z_]+|(?:http|process)_[a-z_]+)/g,
    );
    const unknown = names.map(family).filter((name) => ![...metrics, ...rules].includes(name));
    expect(unknown).toEqual([]);
  });

  test.skipIf(!HAS_PROMETHEUS)(`is one that Prometheus takes${NO_PROMETHEUS}`, async () => {
    const prometheus = await startPrometheus([]);
    try {
      for (const query of queries) expect(await prometheus.query(query)).toEqual([]);
    } finally {
      await prometheus[Symbol.asyncDispose]();
    }
  });
});

test("it is short enough to read at night", () => {
  expect(runbook.split("\n").length).toBeLessThanOrEqual(221);
});

/** The source of the program, without tests. */
async function sourceText(): Promise<string> {
  const files = Array.from(new Bun.Glob("src/**/*.ts").scanSync({ cwd: ROOT }));
  const texts = files.filter((path) => !path.endsWith(".test.ts")).map(read);
  return (await Promise.all(texts)).join("\n");
}
