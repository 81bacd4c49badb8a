import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { inTemporaryDirectory } from "./service.ts";

setDefaultTimeout(30_000);

const ROOT = join(import.meta.dir, "..");
const DAY_MS = 24 * 60 * 60 * 1000;
const NAME = "example";
const SETTLED = "1.0.0";
const FRESH = "1.1.0";

/** A registry with one package: a version that is a month old, and one that is an hour old. */
let registry: Bun.Server<undefined>;

beforeAll(async () => {
  const tarballs = new Map([
    [SETTLED, await pack(SETTLED)],
    [FRESH, await pack(FRESH)],
  ]);
  registry = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url }) => {
      const version = /([\d.]+)\.tgz$/.exec(url)?.[1];
      const tarball = tarballs.get(version ?? "");
      if (tarball !== undefined) return new Response(new Uint8Array(tarball));
      return Response.json(manifest(new URL(url).origin));
    },
  });
});

afterAll(() => registry.stop(true));

function manifest(origin: string) {
  const versions = [SETTLED, FRESH].map((version) => {
    const dist = { tarball: `${origin}/${NAME}-${version}.tgz` };
    return [version, { ...packageOf(version), dist, hasInstallScript: true }];
  });
  return {
    name: NAME,
    "dist-tags": { latest: FRESH },
    versions: Object.fromEntries(versions),
    time: {
      [SETTLED]: new Date(Date.now() - 30 * DAY_MS).toISOString(),
      [FRESH]: new Date(Date.now() - DAY_MS / 24).toISOString(),
    },
  };
}

const packageOf = (version: string) => ({
  name: NAME,
  version,
  scripts: { postinstall: "echo ran > script-ran" },
});

async function pack(version: string) {
  return await inTemporaryDirectory(async (directory) => {
    mkdirSync(join(directory, "package"));
    writeFileSync(
      join(directory, "package/package.json"),
      JSON.stringify(packageOf(version), null, 2),
    );
    const tar = Bun.spawnSync(["tar", "--create", "--gzip", `--directory=${directory}`, "package"]);
    return tar.stdout;
  });
}

/** An empty project with this project's rules for installation. */
async function inProject(use: (project: Project) => Promise<void>) {
  await inTemporaryDirectory(async (directory) => {
    const { trustedDependencies } = packageJson;
    const path = (file: string) => join(directory, file);
    for (const file of ["bunfig.toml", ".npmrc"]) cpSync(join(ROOT, file), path(file));
    writeFileSync(path("package.json"), JSON.stringify({ name: "project", trustedDependencies }));
    const bun = (...args: string[]) => {
      const env = {
        PATH: process.env.PATH ?? "",
        BUN_CONFIG_REGISTRY: registry.url.href,
        BUN_INSTALL_CACHE_DIR: path("cache"),
      };
      return run([process.execPath, ...args], directory, env);
    };
    const npm = (...args: string[]) => {
      const env = {
        PATH: process.env.PATH ?? "",
        npm_config_registry: registry.url.href,
        npm_config_cache: path("cache"),
      };
      return run(["npm", ...args], directory, env);
    };
    await use({ path, bun, npm });
  });
}

type Command = (...args: string[]) => Promise<{ status: number; output: string }>;
type Project = { path: (file: string) => string; bun: Command; npm: Command };

async function run(command: string[], cwd: string, env: Record<string, string>) {
  const child = Bun.spawn(command, { cwd, env, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { output: stdout + stderr, status };
}

const installed = ({ path }: Project, file: string) => path(`node_modules/${NAME}/${file}`);

describe("an added package", () => {
  test("is a version that has been out for a while, not the newest", async () => {
    await inProject(async (project) => {
      expect(await project.bun("add", NAME)).toMatchObject({ status: 0 });
      const { version } = JSON.parse(readFileSync(installed(project, "package.json"), "utf8"));
      expect(version).toBe(SETTLED);
    });
  });

  test("is not the newest one either if its version is requested", async () => {
    await inProject(async ({ bun }) => {
      const { status, output } = await bun("add", `${NAME}@${FRESH}`);
      expect(status).toBe(1);
      expect(output).toContain("minimum-release-age");
    });
  });

  test("runs no install script", async () => {
    await inProject(async (project) => {
      await project.bun("add", NAME);
      expect(existsSync(installed(project, "package.json"))).toBe(true);
      expect(existsSync(installed(project, "script-ran"))).toBe(false);
    });
  });

  test("would run it if the package were on the project's list", async () => {
    await inProject(async (project) => {
      const trusting = { name: "project", trustedDependencies: [NAME] };
      writeFileSync(project.path("package.json"), JSON.stringify(trusting));
      await project.bun("add", NAME);
      expect(existsSync(installed(project, "script-ran"))).toBe(true);
    });
  });

  test("is not trusted by Bun's own list, which applies if a project has none", () => {
    expect(packageJson.trustedDependencies).toBeArray();
  });
});

test("if package.json and the lockfile differ, nothing is installed and nothing is run", async () => {
  await inProject(async ({ path, bun }) => {
    mkdirSync(path("scripts"));
    for (const file of ["package.json", "bun.lock", "scripts/bun.mjs"]) {
      cpSync(join(ROOT, file), path(file));
    }
    const dependencies = { ...packageJson.dependencies, [NAME]: SETTLED };
    writeFileSync(path("package.json"), JSON.stringify({ ...packageJson, dependencies }));
    const { status, output } = await bun("scripts/bun.mjs", "--print", "'it ran'");
    expect(status).toBe(1);
    expect(output).toContain("thimble: the dependencies could not be installed");
    expect(output).not.toContain("it ran");
    expect(existsSync(path("node_modules"))).toBe(false);
  });
});

describe("npm install", () => {
  test("writes no lockfile, for the project has Bun's", async () => {
    await inProject(async (project) => {
      expect(await project.npm("install", NAME)).toMatchObject({ status: 0 });
      expect(existsSync(installed(project, "package.json"))).toBe(true);
      expect(existsSync(project.path("package-lock.json"))).toBe(false);
    });
  });

  test("needs no package that is for some machines only", async () => {
    const needed = neededPackages(Bun.JSONC.parse(await Bun.file("bun.lock").text()) as Lockfile);
    expect(needed.size).toBeGreaterThan(Object.keys(packageJson.dependencies).length);
    const bound = [...needed].filter(([, { os, cpu }]) => os ?? cpu).map(([name]) => name);
    expect(bound).toEqual([]);
  });
});

type Entry = { dependencies?: Record<string, string>; os?: unknown; cpu?: unknown };
type Lockfile = {
  workspaces: { "": Record<"dependencies" | "devDependencies" | "peerDependencies", object> };
  packages: Record<string, [id: string, from: string, entry: Entry]>;
};

/** The packages without which npm does not install: all that no one lists as optional. */
function neededPackages({ workspaces, packages }: Lockfile): Map<string, Entry> {
  const { dependencies, devDependencies, peerDependencies } = workspaces[""];
  const needed = new Map<string, Entry>();
  const add = (name: string, parent: string) => {
    const key = `${parent}/${name}` in packages ? `${parent}/${name}` : name;
    const [, , entry = {}] = packages[key] ?? [];
    if (needed.has(key)) return;
    needed.set(key, entry);
    for (const each of Object.keys(entry.dependencies ?? {})) add(each, key);
  };
  for (const name of Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies })) {
    add(name, "");
  }
  return needed;
}

test("git ignores the file that Compose and Bun read secrets from", () => {
  const { exitCode } = Bun.spawnSync(["git", "check-ignore", "--quiet", ".env"], { cwd: ROOT });
  expect(exitCode).toBe(0);
});
