import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { inTemporaryDirectory } from "../../test/service.ts";

setDefaultTimeout(30_000);

const SCRIPT = join(import.meta.dir, "release.ts");
const CHANGES = "### Added\n\n- Books.";
const CHANGELOG = `# Changelog\n\n## Unreleased\n\n${CHANGES}\n\n## 0.1.0 - 2026-01-02\n\n- A start.\n`;
/** Of nobody's own configuration; who commits is said by variables. */
const ENVIRONMENT = {
  PATH: process.env.PATH ?? "",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "A Maintainer",
  GIT_AUTHOR_EMAIL: "maintainer@example.com",
  GIT_COMMITTER_NAME: "A Maintainer",
  GIT_COMMITTER_EMAIL: "maintainer@example.com",
};

type Project = {
  git: (...args: string[]) => string;
  read: (file: string) => string;
  write: (file: string, text: string) => void;
  commit: (file: string, text: string) => void;
  path: (file: string) => string;
  release: (...args: string[]) => { status: number; stdout: string; stderr: string };
  /** The commit, the tags, the branch and what is not committed. */
  state: () => string[];
};

/** A clone of a project that is like this one, but that its checks are of one command. */
async function inClone(use: (project: Project) => void) {
  await inTemporaryDirectory(async (directory) => {
    const root = join(directory, "clone");
    const spawn = (command: string[], cwd = root) => {
      const child = Bun.spawnSync(command, { cwd, env: ENVIRONMENT });
      const [stdout, stderr] = [child.stdout.toString(), child.stderr.toString()];
      return { status: child.exitCode, stdout, stderr };
    };
    const git = (...args: string[]) => {
      const { status, stdout, stderr } = spawn(["git", ...args]);
      if (status !== 0) throw new Error(stderr);
      return stdout.trimEnd();
    };
    const path = (file: string) => join(root, file);
    const read = (file: string) => readFileSync(path(file), "utf8");
    const write = (file: string, text: string) => writeFileSync(path(file), text);
    const commit = (file: string, text: string) => {
      write(file, text);
      git("add", file);
      git("commit", "--quiet", `--message=Write ${file}`);
    };

    spawn(["git", "init", "--quiet", "--bare", "--initial-branch=main", "origin"], directory);
    spawn(["git", "clone", "--quiet", "origin", "clone"], directory);
    commit("CHANGELOG.md", CHANGELOG);
    commit("package.json", manifest("touch checked"));
    commit(".gitignore", "checked\n");
    git("push", "--quiet", "origin", "main");

    const release = (...args: string[]) => spawn([process.execPath, SCRIPT, ...args]);
    const state = () => [
      git("rev-parse", "HEAD"),
      git("tag", "--list"),
      git("branch", "--show-current"),
      git("status", "--porcelain"),
    ];
    use({ git, read, write, commit, path, release, state });
  });
}

function manifest(check: string, version = "0.2.0"): string {
  return `{\n  "name": "example",\n  "version": "${version}",\n  "scripts": { "check": "${check}" }\n}\n`;
}

describe("a release", () => {
  test("is a commit with its version and changelog, and a tag with its changes", async () => {
    await inClone(({ git, read, release, state }) => {
      const today = new Date().toISOString().slice(0, 10);
      expect(release("1.0.0")).toMatchObject({
        status: 0,
        stderr: expect.not.stringMatching(/rror/),
      });
      expect(read("checked")).toBe("");
      expect(read("package.json")).toBe(manifest("touch checked", "1.0.0"));
      expect(read("CHANGELOG.md").replaceAll(today, "DAY")).toBe(
        `# Changelog\n\n## Unreleased\n\n## 1.0.0 - DAY\n\n${CHANGES}\n\n## 0.1.0 - 2026-01-02\n\n- A start.\n`,
      );
      expect(git("log", "-1", "--format=%s")).toBe("Release 1.0.0");
      expect(git("cat-file", "-t", "v1.0.0")).toBe("tag");
      expect(git("tag", "--list", "--format=%(contents)", "v1.0.0")).toBe(
        `Thimble 1.0.0\n\n${CHANGES}`,
      );
      expect(git("describe")).toBe("v1.0.0");
      expect(state().at(-1)).toBe("");
    });
  });

  test("gives the chart and the examples its version", async () => {
    await inClone(({ commit, git, path, read, release }) => {
      const chart = "deploy/helm/thimble/Chart.yaml";
      const text = (version: string) =>
        `name: thimble\nversion: ${version}\nappVersion: ${version}\nkubeVersion: ">=1.30.0-0"\n`;
      mkdirSync(path("deploy/helm/thimble"), { recursive: true });
      commit(chart, text("0.1.0"));
      expect(release("1.0.0")).toMatchObject({ status: 0 });
      expect(read(chart)).toBe(text("1.0.0"));
      expect(git("status", "--porcelain")).toBe("");
    });
  });

  test("is not pushed; what it says publishes a branch to be checked, then main and the tag", async () => {
    await inClone(({ git, release, state }) => {
      const before = state();
      const { stdout } = release("1.0.0");
      expect(git("ls-remote", "origin")).not.toContain("v1.0.0");
      expect(git("rev-parse", "origin/main")).toBe(before[0] ?? "");

      const pushes = [...stdout.matchAll(/^ {2}git (push .*)$/gm)].map(([, push = ""]) => push);
      const remote = () =>
        git("ls-remote", "origin")
          .replaceAll(/^[0-9a-f]+\t/gm, "")
          .split("\n");
      const refs = ["HEAD", "refs/heads/main"];
      git(...(pushes[0] ?? "").split(" "));
      expect(remote()).toEqual([...refs, "refs/heads/release-1.0.0"]);
      expect(git("rev-parse", "origin/release-1.0.0")).toBe(git("rev-parse", "main"));
      for (const push of pushes.slice(1)) git(...push.split(" "));
      expect(remote()).toEqual([...refs, "refs/tags/v1.0.0", "refs/tags/v1.0.0^{}"]);
      expect(git("rev-parse", "origin/main")).toBe(git("rev-parse", "main"));
    });
  });

  test("is taken back as it says", async () => {
    await inClone(({ git, release, state }) => {
      const before = state();
      const { stdout } = release("1.0.0");
      const takeBack = /^ {2}(git tag --delete .*)$/m.exec(stdout)?.[1] ?? "";
      for (const command of takeBack.split(" && ")) git(...command.split(" ").slice(1));
      expect(state()).toEqual(before);
    });
  });

  test("may be of the version that package.json already names, while that is not released", async () => {
    await inClone(({ release, commit }) => {
      expect(release("0.2.0").status).toBe(0);
      commit("CHANGELOG.md", CHANGELOG.replace("0.1.0", "0.2.0"));
      expect(release("0.2.0")).toMatchObject({ status: 1 });
    });
  });
});

test("a pre-release comes before its release, and the next one after it", async () => {
  await inClone(({ git, release, commit, read }) => {
    const next = () => {
      const notes = "## Unreleased\n\n- More.\n";
      commit("CHANGELOG.md", read("CHANGELOG.md").replace("## Unreleased\n", notes));
    };
    expect(release("1.0.0-rc.2").status).toBe(0);
    expect(git("describe")).toBe("v1.0.0-rc.2");
    next();
    const { status, stderr } = release("1.0.0-rc.1");
    expect(stderr).toContain("1.0.0-rc.1 is not higher than 1.0.0-rc.2, which is released");
    expect(status).toBe(1);
    expect(release("1.0.0-rc.10").status).toBe(0);
    next();
    expect(release("1.0.0").status).toBe(0);
    expect(read("CHANGELOG.md")).toContain("## 1.0.0-rc.10 - ");
  });
});

describe("nothing is changed, and the reason is said, where", () => {
  const cases: Record<
    string,
    { prepare: (project: Project) => void; reason: string; version?: string }
  > = {
    "this is another branch": {
      prepare: ({ git }) => git("switch", "--quiet", "--create", "topic"),
      reason: "releases are made on main, this is topic",
    },
    "this is no branch": {
      prepare: ({ git }) => git("checkout", "--quiet", "--detach"),
      reason: "releases are made on main, this is none",
    },
    "something is not committed": {
      prepare: ({ write }) => write("CHANGELOG.md", `${CHANGELOG}- more\n`),
      reason: "there are changes that are not committed:\nM CHANGELOG.md",
    },
    "a file is not in git": {
      prepare: ({ write }) => write("left-over", ""),
      reason: "there are changes that are not committed:\n?? left-over",
    },
    "the version is released, by a tag": {
      prepare: ({ git }) => git("tag", "v1.0.0"),
      reason: "1.0.0 is not higher than 1.0.0, which is released",
    },
    "a higher version is released, by the changelog": {
      prepare: ({ commit }) => commit("CHANGELOG.md", CHANGELOG.replace("0.1.0", "10.0.0")),
      reason: "1.0.0 is not higher than 10.0.0, which is released",
    },
    "package.json is ahead": {
      prepare: () => {},
      version: "0.1.5",
      reason: "0.1.5 is lower than 0.2.0, which package.json says is next",
    },
    "nothing is under Unreleased": {
      prepare: ({ commit }) => commit("CHANGELOG.md", CHANGELOG.replace(CHANGES, "")),
      reason: "CHANGELOG.md says nothing under Unreleased; what does 1.0.0 change?",
    },
    "there is no Unreleased": {
      prepare: ({ commit }) => commit("CHANGELOG.md", "# Changelog\n"),
      reason: 'CHANGELOG.md has no section "## Unreleased"',
    },
    "the checks fail": {
      prepare: ({ commit }) => commit("package.json", manifest("false")),
      reason: "the checks failed",
    },
    "git refuses the commit": {
      prepare: ({ path, write }) => hook(path, write, "pre-commit"),
      reason: "git commit failed",
    },
    "git refuses the tag": {
      prepare: ({ path, write }) =>
        hook(path, write, "reference-transaction", "! grep -q refs/tags"),
      reason: "git tag failed",
    },
  };

  function hook(path: Project["path"], write: Project["write"], name: string, command = "false") {
    mkdirSync(path(".git/hooks"), { recursive: true });
    write(`.git/hooks/${name}`, `#!/bin/sh\n${command}\n`);
    chmodSync(path(`.git/hooks/${name}`), 0o755);
  }

  for (const [where, { prepare, reason, version = "1.0.0" }] of Object.entries(cases)) {
    test(where, async () => {
      await inClone((project) => {
        prepare(project);
        const before = [...project.state(), project.read("CHANGELOG.md")];
        const { status, stderr } = project.release(version);
        expect(stderr).toContain(`thimble: ${reason}`);
        expect(stderr).toContain("; nothing is changed\n");
        expect(status).toBe(1);
        expect([...project.state(), project.read("CHANGELOG.md")]).toEqual(before);
      });
    });
  }
});

describe("no version is", () => {
  for (const args of [
    [],
    ["1.0"],
    ["v1.0.0"],
    ["1.0.0-"],
    ["1.0.0-rc.01"],
    ["1.0.0+1"],
    ["01.0.0"],
    ["1.0.0", "2.0.0"],
  ]) {
    test(args.join(" ") || "nothing", async () => {
      await inClone(({ release, state }) => {
        const before = state();
        expect(release(...args)).toMatchObject({
          status: 64,
          stderr: "thimble: expected VERSION, which is 1.0.0 or a pre-release such as 1.0.0-rc.1\n",
        });
        expect(state()).toEqual(before);
      });
    });
  }
});

test("what a release runs here are the checks without launcher and images", () => {
  expect(packageJson.scripts.check).toEndWith("scripts/check.ts");
});
