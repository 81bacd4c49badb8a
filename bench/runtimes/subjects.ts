import { writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { bundle } from "../../scripts/build/runtimes.ts";
import { freePort } from "../../test/free-port.ts";
import { bundledFunction, startFunction, toEvent } from "../../test/runtimes/lambda.ts";
import {
  denoCommand,
  denoProgram,
  nodeCommand,
  nodeProgram,
  workerdProgram,
} from "../../test/runtimes/programs.ts";
import { compiledBinary } from "../../test/service.ts";
import wrangler from "../../wrangler.jsonc";
import { API_KEY } from "../api-key.ts";
import { firstAnswer } from "../first-answer.ts";
import { requestsPerSecond, SERVICE_CORE } from "../wrk.ts";

/** A running service, alone on its core. */
export type Instance = {
  firstAnswerMs: number;
  requestsPerSecond: (path: string, seconds: number) => Promise<number>;
  stop: () => Promise<void>;
};

/** A runtime with the service in it. Books are in memory, which works on all runtimes. */
export type Subject = { name: string; version: string; start: () => Promise<Instance> };

const ENVIRONMENT = {
  API_KEY,
  DATABASE_URL: "memory:",
  RATE_LIMIT: "off",
  SEED: "true",
};

/** All runtimes, with their bundles built. */
export async function findSubjects(directory: string): Promise<Subject[]> {
  const [node, deno, worker] = await Promise.all([
    bundle("node", join(directory, "node")),
    bundle("deno", join(directory, "deno")),
    bundle("workers", join(directory, "workers")),
    bundledFunction(),
  ]);
  const bun = Bun.version;
  return [
    server("Bun, compiled", bun, [await compiledBinary()]),
    server("Bun, from source", bun, [process.execPath, "src/adapters/bun.ts"]),
    server("Node", versionOf(nodeProgram()), nodeCommand(node)),
    server("Deno", versionOf(denoProgram()), denoCommand(deno)),
    {
      name: "workerd",
      version: versionOf(workerdProgram()),
      start: () => startServer((port) => workerdCommand(worker, port)),
    },
    { name: "Lambda", version: `Node ${versionOf(nodeProgram())}`, start: startLambda },
  ];
}

function server(name: string, version: string, command: readonly string[]): Subject {
  return { name, version, start: () => startServer(() => command) };
}

async function startServer(commandFor: (port: number) => readonly string[]): Promise<Instance> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const command = commandFor(port);
  const started = performance.timeOrigin + performance.now();
  const child = Bun.spawn(["taskset", "-c", SERVICE_CORE, ...command], {
    env: { PATH: process.env.PATH, ...ENVIRONMENT, HOST: "127.0.0.1", PORT: String(port) },
    stdout: "ignore",
    stderr: "inherit",
  });
  const answered = await firstAnswer(`${url}/health`, command[0] ?? "");
  return {
    firstAnswerMs: answered - started,
    requestsPerSecond: (path, seconds) => requestsPerSecond(url + path, seconds),
    stop: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Cap'n Proto, as `workerd serve` reads it. */
function workerdCommand(script: string, port: number): string[] {
  const bindings = Object.entries(ENVIRONMENT).map(
    ([name, value]) => `(name = "${name}", text = "${value}")`,
  );
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "main", esModule = embed "${basename(script)}")],
    compatibilityDate = "${wrangler.compatibility_date}",
    bindings = [${bindings.join(", ")}],
  ))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`;
  // Paths of embedded files are relative to this file.
  const path = join(dirname(script), "config.capnp");
  writeFileSync(path, config);
  return [workerdProgram(), "serve", path];
}

/** One event after the other, as in one instance. */
async function startLambda(): Promise<Instance> {
  const started = performance.now();
  const instance = await startFunction(ENVIRONMENT);
  const ask = async (path: string) =>
    instance.invoke(await toEvent(new Request(`https://lambda.test${path}`)));
  await ask("/health");
  const firstAnswerMs = performance.now() - started;
  return {
    firstAnswerMs,
    requestsPerSecond: async (path, seconds) => {
      const began = performance.now();
      let requests = 0;
      while (performance.now() - began < seconds * 1000) {
        await ask(path);
        requests += 1;
      }
      return (requests * 1000) / (performance.now() - began);
    },
    stop: async () => {
      await instance.stop();
    },
  };
}

function versionOf(program: string): string {
  const { stdout } = Bun.spawnSync([program, "--version"]);
  return /\d[\d.-]*\d/.exec(String(stdout))?.[0] ?? "unknown";
}
