import { existsSync, readFileSync, rmSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { inTemporaryDirectory } from "./service.ts";

const ROOT = join(import.meta.dir, "..");

/** Packages of tests that have a lockfile of their own, and the project's; they are not in git. */
const INSTALLED = [
  "node_modules",
  "scripts/manifests/packages/node_modules",
  "test/openapi/node_modules",
];

export type Ran = { code: number; stdout: string; stderr: string };

/** Somebody's own clone of this project, with its packages installed. */
export type Clone = {
  root: string;
  /** Runs a command in it, to its end. */
  run: (...command: string[]) => Ran;
  /** Runs git in it. @throws {Error} where that fails. */
  git: (...args: string[]) => string;
  read: (path: string) => string;
};

function run(root: string, command: readonly string[]): Ran {
  const env = { ...process.env, DATA_DIR: join(root, "data") };
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd: root, env });
  return { code: exitCode, stdout: `${stdout}`, stderr: `${stderr}` };
}

function git(root: string, ...args: string[]): string {
  const { code, stdout, stderr } = run(root, ["git", ...args]);
  if (code !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

const listed = (...args: string[]) =>
  git(ROOT, "ls-files", ...args)
    .split("\n")
    .filter((path) => path !== "");

/** A clone of this checkout, whose only commit also has what is not committed here. */
export function inClone(use: (clone: Clone) => void | Promise<void>): Promise<void> {
  return inTemporaryDirectory(async (directory) => {
    const root = join(directory, "clone");
    git(ROOT, "clone", "--quiet", ROOT, root);
    for (const path of listed("--modified", "--others", "--exclude-standard")) {
      if (existsSync(join(ROOT, path)))
        await cp(join(ROOT, path), join(root, path), { recursive: true });
    }
    for (const path of listed("--deleted")) rmSync(join(root, path), { force: true });
    // Links, because a copy of all packages takes its time.
    for (const path of INSTALLED.filter((each) => existsSync(join(ROOT, each)))) {
      run(ROOT, ["cp", "--archive", "--link", join(ROOT, path), join(root, path)]);
    }
    git(root, "config", "user.name", "Tests");
    git(root, "config", "user.email", "tests@example.com");
    git(root, "add", "--all");
    git(root, "commit", "--quiet", "--allow-empty", "--message=Begin");
    await use({
      root,
      run: (...command) => run(root, command),
      git: (...args) => git(root, ...args),
      read: (path) => readFileSync(join(root, path), "utf8"),
    });
  });
}
