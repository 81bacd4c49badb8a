import { freePort } from "../test/free-port.ts";
import type { Answer } from "./answers.ts";
import { API_KEY } from "./api-key.ts";
import { firstAnswer } from "./first-answer.ts";
import type { SlowDisk } from "./slow-disk.ts";
import { SERVICE_CORE } from "./wrk.ts";

/** A program that answers requests, and is measured. */
export type Contender = {
  name: string;
  version: string;
  command: readonly string[];
  /** Where it starts; by default the current directory. */
  directory?: string;
};

/** A contender that answers, pinned to a core. Dispose of it to end it. */
export type Running = AsyncDisposable & {
  contender: Contender;
  url: string;
  pid: number;
  /** Milliseconds until its first 200. */
  firstAnswerMs: number;
};

/** What contenders read from their environment, each what it needs. */
export type Setting = {
  DATABASE_URL: string;
  /** What the yardstick sends, as JSON of an {@link Answer}, and for which path. */
  ANSWER?: string;
  PATHNAME?: string;
} & Partial<SlowDisk["variables"]>;

/** Everything on: the limit is so high that it refuses nothing, and the log goes to /dev/null. */
const EVERYTHING_ON = {
  API_KEY,
  ENVIRONMENT: "production",
  HOST: "127.0.0.1",
  RATE_LIMIT: "100000000/minute",
  DATABASE_POOL_SIZE: "10",
  SEED: "false",
};

/** Starts a contender on a free port. @throws {Error} if it does not answer `/health`. */
export async function startContender(
  contender: Contender,
  setting: Setting,
  core = SERVICE_CORE,
): Promise<Running> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const startedAt = performance.timeOrigin + performance.now();
  const child = Bun.spawn(["taskset", "-c", core, ...contender.command], {
    env: { PATH: process.env.PATH, PORT: String(port), ...EVERYTHING_ON, ...setting },
    cwd: contender.directory ?? process.cwd(),
    stdio: ["ignore", Bun.file("/dev/null"), "inherit"],
  });
  const end = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  try {
    const answeredAt = await firstAnswer(`${url}/health`, contender.name);
    const firstAnswerMs = answeredAt - startedAt;
    return { contender, url, pid: child.pid, firstAnswerMs, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

export const SERVICE = "Thimble";
export const YARDSTICK = "bare Bun.serve";

export function serviceOf(program: string, version: string): Contender {
  return { name: SERVICE, version, command: [program] };
}

export function yardstick(): Contender {
  const program = new URL("yardstick.ts", import.meta.url).pathname;
  return { name: YARDSTICK, version: Bun.version, command: [process.execPath, program] };
}

/** The setting in which the yardstick sends this answer of the service. */
export function settingFor(path: string, answer: Answer): Pick<Setting, "ANSWER" | "PATHNAME"> {
  const [PATHNAME = ""] = path.split("?");
  return { ANSWER: JSON.stringify(answer), PATHNAME };
}
