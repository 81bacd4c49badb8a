import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export const API_KEY = "0123456789abcdef";

type Variables = Record<string, string>;
type LogLine = Record<string, unknown> & { message: string };

/** The service in a process of its own, to be spoken to over HTTP. */
export type ChildService = {
  fetch: (path: string, init?: RequestInit) => Promise<Response>;
  /** A request with the API key and a JSON body. */
  send: (method: string, path: string, body?: unknown, headers?: Variables) => Promise<Response>;
  /** The log so far. */
  log: () => LogLine[];
  /** Whether the process still runs. */
  running: () => boolean;
  /** Ends it at once, as a crash would, and waits until it is gone. */
  kill: () => Promise<void>;
};

/** How a process ended that was not to serve. */
export type Ending = { code: number | null; stdout: string; stderr: string };

const ENTRY = join(import.meta.dir, "../src/runtime/bun.ts");
const POLL_INTERVAL_MS = 10;
const LIMIT_MS = 20_000;

/** Starts the service from source and waits until it listens. */
export async function startService(variables: Variables): Promise<ChildService> {
  const { child, output } = spawnService(variables);
  const log = () =>
    output.stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine);
  const running = () => child.exitCode === null && child.signalCode === null;
  let port: unknown;
  const kill = async () => {
    if (!running()) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  try {
    await until("the service listens", () => {
      if (!running()) throw new Error(`The service ended: ${output.stdout}${output.stderr}`);
      port = log().find(({ message }) => message === "listening")?.port;
      return port !== undefined;
    });
  } catch (error) {
    await kill();
    throw error;
  }
  const request = (path: string, init?: RequestInit) =>
    fetch(`http://127.0.0.1:${port}${path}`, init);
  return {
    fetch: request,
    send: (method, path, body, headers) =>
      request(path, {
        method,
        headers: { "X-API-Key": API_KEY, "Content-Type": "application/json", ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    log,
    running,
    kill,
  };
}

/** Starts the service where it cannot serve, and waits until it has given up, or long enough. */
export async function runService(variables: Variables): Promise<Ending> {
  const { child, output } = spawnService(variables);
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  return { code, ...output };
}

/** Resolves when the condition holds; throws when it does not within the limit. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = LIMIT_MS,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Not within ${limitMs} ms: ${what}`);
    await Bun.sleep(POLL_INTERVAL_MS);
  }
}

function spawnService(variables: Variables): {
  child: ChildProcess;
  output: { stdout: string; stderr: string };
} {
  const child = spawn(process.execPath, [ENTRY], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      ENVIRONMENT: "test",
      API_KEY,
      HOST: "127.0.0.1",
      PORT: "0",
      ...variables,
    },
  });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  }
  return { child, output };
}
