// Runs Bun, with the dependencies that the lockfile names installed, on a machine that has Node and
// npm or only Bun:
//
//   start         serve from source in development mode; installs what serving needs
//   dev           the same, starting again after every change, with an API key that stays
//   ARGUMENT...   whatever Bun takes (`test`, a file, ...); installs everything
//
// Plain JavaScript, for this file runs before there is anything else.
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const { name, packageManager } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
const [command, ...rest] = process.argv.slice(2);
const bun = findBun();

const service = ["--env-file=.env", "src/adapters/bun.ts", ...rest];

if (command === "start") {
  install("--production");
  run(service, { ENVIRONMENT: "development", LOG_FORMAT: "text" });
} else if (command === "dev") {
  install("--production");
  const defaults = { ENVIRONMENT: "development", LOG_FORMAT: "short" };
  run(["--watch", "--no-clear-screen", ...service], { ...defaults, ...ownKey() });
} else {
  install();
  run([command, ...rest]);
}

/** The Bun that runs this script or called it, else the pinned one from npm. */
function findBun() {
  if (process.versions.bun) return process.execPath;
  const caller = process.env.npm_config_user_agent ?? "";
  if (caller.startsWith("bun/")) return process.env.npm_execpath ?? "bun";
  return bunFromNpm();
}

/** npm keeps the package in its cache, so only the first call downloads. */
function bunFromNpm() {
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ["npm"];
  const print = ["bun", "--print", "process.execPath"];
  const [file, ...args] = [...npm, "exec", "--yes", `--package=${packageManager}`, "--", ...print];
  const { status, stdout } = spawnSync(file, args, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) fail(`npm could not bring ${packageManager}`);
  return stdout.trim();
}

function install(...flags) {
  const args = ["install", "--frozen-lockfile", "--silent", ...flags];
  const { status } = spawnSync(bun, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0)
    fail("the dependencies could not be installed; `bun install --frozen-lockfile` says why");
}

/** An API key for development that stays the same, unless there is another one. */
function ownKey() {
  const others = ["API_KEY", "API_KEY_FILE", "API_KEYS", "API_KEYS_FILE"];
  if (others.some(isSet)) return {};
  const file = "data/dev-key";
  const path = `${root}/${file}`;
  if (!existsSync(path)) {
    mkdirSync(`${root}/data`, { recursive: true });
    writeFileSync(path, randomBytes(32).toString("hex"), { mode: 0o600 });
  }
  const key = readFileSync(path, "utf8").trim();
  console.log(`  API key, kept in ${file}: ${key}`);
  return { API_KEY: key };
}

/** Passes on signals and the exit code, so that Ctrl-C and `kill` mean what they mean to Bun itself. */
function run(args, defaults = {}) {
  const child = spawn(bun, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...unset(defaults) },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    process.exit(code ?? 128 + constants.signals[signal]);
  });
}

/** Those of the variables that nobody sets, or sets to nothing. */
function unset(variables) {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !isSet(name)));
}

/** Whether the environment or .env sets a variable. */
function isSet(name) {
  if (process.env[name]) return true;
  const file = existsSync(`${root}/.env`) ? readFileSync(`${root}/.env`, "utf8") : "";
  const blank = "[^\\S\\n]*";
  const value = `(?!(?:""|'')?${blank}$)\\S`;
  return new RegExp(`^${blank}(?:export\\s+)?${name}${blank}=${blank}${value}`, "m").test(file);
}

function fail(message) {
  console.error(`${name}: ${message}`);
  process.exit(1);
}
