import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { build } from "../scripts/build/executable.ts";
import { PLUGINS } from "./program.ts";

export const API_KEY = "0123456789abcdef";

const POLL_INTERVAL_MS = 5;
const POLL_LIMIT_MS = 20_000;

/** Variables to set; those that are `undefined` are unset. */
export type Variables = Record<string, string | undefined>;
export type LogLine = Record<string, unknown> & { message: string };
/** How a process ended: by itself with a code, or by a signal. */
export type Ending = { code: number | null; signal: NodeJS.Signals | null };

export type Service = {
  url: string;
  port: number;
  apiKey: string;
  pid: number;
  directory: string;
  kill: (signal: NodeJS.Signals) => void;
  /** Sends a signal and resolves when the process has ended. */
  stop: (signal?: NodeJS.Signals) => Promise<Ending>;
  exited: Promise<Ending>;
  stdout: () => string;
  stderr: () => string;
  /** Every complete line of standard output that is JSON. */
  log: () => LogLine[];
  /** Resolves when such a line is in the log. */
  logged: (message: string) => Promise<LogLine>;
  /** Closes standard output, like a log collector that has died. */
  closeStdout: () => void;
  /** Stops reading standard output, like a log collector that hangs, and continues later. */
  pauseStdout: () => void;
  resumeStdout: () => void;
  [Symbol.asyncDispose]: () => Promise<void>;
};

let home: string | undefined;
let binary: Promise<string> | undefined;
let probe: Promise<string> | undefined;

/** The path of the compiled service, built at the first call. */
export function compiledBinary(): Promise<string> {
  binary ??= buildBinary();
  return binary;
}

/** The path of the program in probe.ts, compiled as the service is. */
export function compiledProbe(): Promise<string> {
  probe ??= buildBinary(join(import.meta.dir, "probe.ts"));
  return probe;
}

async function buildBinary(entry?: string): Promise<string> {
  const path = join(newDirectory(), "thimble");
  await build(path, { ...(entry !== undefined && { entry }), plugins: PLUGINS });
  return path;
}

/** A directory that is removed when this process ends, even if the test fails. */
export function newDirectory(): string {
  if (home === undefined) {
    home = mkdtempSync(join(tmpdir(), "thimble-service-"));
    removeAfterThisProcess(home);
  }
  return mkdtempSync(join(home, "test-"));
}

/**
 * Bun's test runner does not notify modules of its end, and a killed process cannot. A shell that waits
 * for the end of its input notices both.
 */
function removeAfterThisProcess(directory: string): void {
  const script = 'trap "" INT TERM HUP; cat >/dev/null; rm -rf "$1"';
  const reaper = spawn("sh", ["-c", script, "sh", directory], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  reaper.unref();
}

/** A new directory for `use`, which is removed afterwards. */
export async function inTemporaryDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = newDirectory();
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Resolves with the first thing that `look` finds; throws if it finds nothing within the limit. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  limitMs = POLL_LIMIT_MS,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`Not within ${limitMs} ms: ${what}`);
    await Bun.sleep(POLL_INTERVAL_MS);
  }
}

/** Resolves when the condition is true; throws if that takes longer than the limit. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs?: number,
): Promise<void> {
  await eventually(what, async () => (await condition()) || undefined, limitMs);
}

/** Whether this process no longer exists. */
export function isGone(pid: number): boolean {
  try {
    return !process.kill(pid, 0);
  } catch {
    return true;
  }
}

/** No limits for a test's requests, and no delay at its end. */
export const UNLIMITED = { RATE_LIMIT: "off", AUTH_FAILURE_LIMIT: "off", DRAIN_DELAY_SECONDS: "0" };

type StartOptions = {
  /** The program and its arguments; by default the compiled binary. */
  command?: readonly string[];
  env?: Variables;
  /** The log line of a complete start; by default `listening`. After any other line it has no URL. */
  until?: string;
};

/**
 * Starts the service on a free port with its data in a new directory, and waits until it listens. Hold
 * it with `await using`, so that it ends with the test.
 */
export async function startService({
  command,
  env = {},
  until = "listening",
}: StartOptions = {}): Promise<Service> {
  const directory = newDirectory();
  const variables = {
    ...{ DATA_DIR: directory, PORT: "0", HOST: "127.0.0.1", API_KEY, ...UNLIMITED },
    // Many tests read a sample.
    SEED: "true",
    ...env,
  };
  const child = start(command ?? [await compiledBinary()], variables, directory);
  const { stdout, stderr, exited } = watch(child);

  const kill = (signal: NodeJS.Signals) => void child.kill(signal);
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    kill(signal);
    return exited;
  };
  const log = () => jsonLines(stdout());
  const logged = (message: string) =>
    eventually(`the log says "${message}"`, () => {
      const line = log().find((each) => each.message === message);
      if (!line && child.exitCode !== null) throw new Error(`It ended: ${stdout()}${stderr()}`);
      return line;
    });
  const dispose = async () => {
    await stop("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  };

  try {
    const { port, scheme } = await logged(until);
    return {
      url: `${scheme}://127.0.0.1:${port}`,
      port: Number(port),
      apiKey: variables.API_KEY ?? "",
      pid: child.pid ?? 0,
      directory,
      kill,
      stop,
      exited,
      stdout,
      stderr,
      log,
      logged,
      closeStdout: () => child.stdout.destroy(),
      pauseStdout: () => void child.stdout.pause(),
      resumeStdout: () => void child.stdout.resume(),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

type Output = { stdout: string; stderr: string };

/** Runs a command to its end; kills it if it takes longer than the limit. */
export function runToEnd(
  command: readonly string[],
  env: Variables = {},
  { directory }: { directory?: string } = {},
): Promise<Ending & Output> {
  return inTemporaryDirectory(async (own) => {
    const at = directory ?? own;
    const child = start(command, { DATA_DIR: at, ...env }, at);
    const { stdout, stderr, exited } = watch(child);
    const timer = setTimeout(() => child.kill("SIGKILL"), POLL_LIMIT_MS);
    const ending = await exited;
    clearTimeout(timer);
    return { ...ending, stdout: stdout(), stderr: stderr() };
  });
}

export type Child = ChildProcessByStdio<Writable | null, Readable, Readable>;

function start(command: readonly string[], variables: Variables, cwd: string): Child {
  const [program = "", ...args] = command;
  const env = Object.entries({ PATH: process.env.PATH, ...variables }).filter(
    ([, value]) => value !== undefined,
  );
  return spawn(program, args, {
    cwd,
    env: Object.fromEntries(env),
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Collects a process's output; `exited` resolves when it has ended and all output is read. */
export function watch(child: Child) {
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const exited = new Promise<Ending>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  return { stdout: () => out, stderr: () => err, exited };
}

/** Every complete line that is JSON. */
export function jsonLines(text: string): LogLine[] {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return whole.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}
