import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { AS_ROOT, parse, readWorkflows } from "../scripts/workflow-rules.ts";

export type CommandOfStep = {
  workflow: string;
  job: string;
  command: string;
  env: Record<string, string>;
};

/** Every `run:` of every workflow, without `sudo`, because these tests may run as root. */
export async function commandsOfWorkflows(): Promise<CommandOfStep[]> {
  const sources = await readWorkflows();
  return sources.flatMap(({ path, text }) =>
    Object.entries(parse(text).jobs).flatMap(([job, { steps = [] }]) =>
      steps.flatMap(({ run, env = {} }) =>
        run
          ? [
              {
                workflow: path.split("/").at(-1) ?? "",
                job,
                command: run.replace(AS_ROOT, ""),
                env,
              },
            ]
          : [],
      ),
    ),
  );
}

/** The variables that GitHub sets for every step. */
const GITHUB = {
  GITHUB_ACTIONS: "true",
  GITHUB_EVENT_NAME: "push",
  GITHUB_REF: "refs/heads/main",
  GITHUB_REF_NAME: "main",
  GITHUB_REPOSITORY: "Owner/thimble",
  GITHUB_RUN_ATTEMPT: "1",
  GITHUB_RUN_ID: "42",
  GITHUB_SERVER_URL: "https://github.com",
  GITHUB_SHA: "0123456789abcdef0123456789abcdef01234567",
  GITHUB_WORKFLOW_REF: "Owner/thimble/.github/workflows/docker-build-push.yml@refs/heads/main",
};

/** The steps' commands that were run in this process, as the workflows write them. */
export const commandsRun = new Set<string>();

export type Runner = ReturnType<typeof openRunner>;

/**
 * A copy of GitHub's machines for a step: the shell, the variables and the files that a step gets, in a
 * checkout that it may change. The programs in `stubs` replace those that need GitHub or a registry:
 * each is a shell script, and its calls are recorded.
 */
export function openRunner(stubs: Record<string, string> = {}) {
  const home = mkdtempSync(join(tmpdir(), "thimble-runner-"));
  const at = (name: string) => join(home, name);
  for (const name of ["deploy", "scripts", "package.json", "CHANGELOG.md"]) {
    symlinkSync(join(process.cwd(), name), at(name));
  }
  for (const [name, body] of Object.entries(stubs)) {
    const record = `echo "${name} $*" >> '${at("recorded")}'`;
    writeFileSync(at(name), `#!/bin/sh\n${record}\n${body}\n`);
    chmodSync(at(name), 0o755);
  }
  // In this directory, `bun` is the one that runs the tests.
  symlinkSync(process.execPath, at("bun"));
  return {
    at,
    /** Runs a command like a step; its outputs and its summary are what it wrote for GitHub. */
    step: async (command: string, env: Record<string, string> = {}) => {
      commandsRun.add(command);
      const files = {
        GITHUB_OUTPUT: at("output"),
        GITHUB_PATH: at("path"),
        GITHUB_STEP_SUMMARY: at("summary"),
      };
      for (const file of Object.values(files)) writeFileSync(file, "");
      writeFileSync(at("step.sh"), command);
      const shell = ["bash", "--noprofile", "--norc", "-euo", "pipefail", at("step.sh")];
      const path = [home, "/usr/local/bin", "/usr/bin", "/bin"].join(delimiter);
      const child = Bun.spawn(shell, {
        cwd: home,
        env: { PATH: path, HOME: home, ...GITHUB, ...files, ...env },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      });
      const [stdout, stderr, exitCode] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      const outputs = parseOutputs(await Bun.file(files.GITHUB_OUTPUT).text());
      const summary = await Bun.file(files.GITHUB_STEP_SUMMARY).text();
      return { stdout, stderr, exitCode, outputs, summary };
    },
    /** Runs a command like a step, in this checkout. */
    stepHere: async (command: string, env: Record<string, string>) => {
      commandsRun.add(command);
      const path = [home, process.env.PATH].join(delimiter);
      const child = Bun.spawn(
        ["bash", "--noprofile", "--norc", "-euo", "pipefail", "-c", command],
        {
          env: { ...process.env, ...env, PATH: path },
          stdin: "ignore",
          stdout: "ignore",
          stderr: "pipe",
        },
      );
      const [stderr, exitCode] = await Promise.all([
        new Response(child.stderr).text(),
        child.exited,
      ]);
      return { stderr, exitCode };
    },
    write: (name: string, text: string) => Bun.write(at(name), text),
    /** Gives the checkout this version, with an entry in its changelog. */
    release: async (version: string) => {
      const files = {
        "package.json": JSON.stringify({ version }),
        "CHANGELOG.md": `## Unreleased\n\n## ${version} - 2026-01-02\n\n- Books.\n`,
      };
      for (const [name, text] of Object.entries(files)) {
        // Otherwise the link would be followed, to this repository's own.
        rmSync(at(name));
        await Bun.write(at(name), text);
      }
    },
    read: (name: string) => Bun.file(at(name)).text(),
    /** The calls of the stubs since the last call of this function. */
    recorded: async () => {
      const file = Bun.file(at("recorded"));
      const lines = (await file.exists()) ? (await file.text()).trimEnd().split("\n") : [];
      rmSync(at("recorded"), { force: true });
      return lines;
    },
    close: () => rmSync(home, { recursive: true }),
  };
}

/** Reads the form `NAME<<DELIMITER`, lines, `DELIMITER`. */
function parseOutputs(text: string): Record<string, string> {
  const found = text.matchAll(/^([\w-]+)<<(\S+)\n([\s\S]*?)\n\2$/gm);
  return Object.fromEntries([...found].map(([, name, , value]) => [name, value]));
}
