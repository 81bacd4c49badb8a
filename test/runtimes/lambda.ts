import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { bundle } from "../../scripts/build/runtimes.ts";
import { PLUGINS } from "../program.ts";
import {
  API_KEY,
  type Child,
  type Ending,
  jsonLines,
  type LogLine,
  newDirectory,
  UNLIMITED,
  type Variables,
  watch,
} from "../service.ts";
import { nodeProgram } from "./programs.ts";

/** The host's input: an event, and how long the function was frozen before it. */
export type Invocation = { event: unknown; afterMs: number };
/** The host's output: the handler's result, or the message of its error. */
export type Answer = { result?: unknown; error?: string };

/** A function's answer to API Gateway, in payload format 2.0. */
export type Result = {
  statusCode: number;
  headers: Record<string, string>;
  cookies?: string[];
  body: string;
  isBase64Encoded: boolean;
};

export type LambdaFunction = {
  invoke: (event: unknown, afterMs?: number) => Promise<Result>;
  log: () => LogLine[];
  stderr: () => string;
  /** Ends the instance. */
  stop: () => Promise<Ending>;
};

const HOST = join(import.meta.dir, "lambda-host.ts");
export const HANDLER = "lambda.handler";

/**
 * Lambda turns off Node's experimental features
 * (https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html).
 */
const FLAGS = ["--no-experimental-detect-module"];

let bundled: Promise<string> | undefined;

/** A directory that holds only the deployed files. */
export function bundledFunction(): Promise<string> {
  bundled ??= bundleFunction();
  return bundled;
}

async function bundleFunction(): Promise<string> {
  const directory = newDirectory();
  await bundle("lambda", directory, PLUGINS);
  return directory;
}

/** Starts an instance of the function and waits for the end of its init phase. */
export async function startFunction(
  env: Variables = {},
  directory?: string,
): Promise<LambdaFunction> {
  const at = directory ?? (await bundledFunction());
  const child = spawnHost(at, { API_KEY, SEED: "true", ...UNLIMITED, ...env });
  const { stdout, stderr, exited } = watch(child);
  const answers = createInterface({ input: child.stdio[3] as Readable });
  // One for all invocations: its error holds everything that was logged.
  const ended = exited.then(({ code }) => {
    throw new Error(`It ended with ${code}: ${stdout()}${stderr()}`);
  });
  ended.catch(() => {});
  const exchange = async (invocation: Invocation | undefined) => {
    const answered = once(answers, "line");
    if (invocation) child.stdin.write(`${JSON.stringify(invocation)}\n`);
    const [line] = await Promise.race([answered, ended]);
    const { result, error } = JSON.parse(line) as Answer;
    if (error !== undefined) throw new Error(error);
    return result;
  };
  await exchange(undefined);

  // One after the other, as in one instance.
  let last: Promise<unknown> = Promise.resolve();
  return {
    invoke: (event, afterMs = 0) => {
      const answer = last.then(() => exchange({ event, afterMs }));
      last = answer.catch(() => {});
      return answer as Promise<Result>;
    },
    log: () => jsonLines(stdout()),
    stderr,
    stop: () => {
      child.stdin.end();
      return exited;
    },
  };
}

/** Starts an instance whose init phase fails, and waits for its end. */
export async function failToStart(env: Variables) {
  const child = spawnHost(await bundledFunction(), env);
  const { stdout, stderr, exited } = watch(child);
  child.stdin.end();
  const { code } = await exited;
  return { code, stdout: stdout(), stderr: stderr() };
}

function spawnHost(directory: string, env: Variables): Child & { stdin: Writable } {
  const set = Object.entries({ TMPDIR: newDirectory(), ...env }).filter(
    ([, value]) => value !== undefined,
  );
  const child = spawn(nodeProgram(), [...FLAGS, HOST, directory, HANDLER], {
    cwd: directory,
    env: Object.fromEntries(set),
    stdio: ["pipe", "pipe", "pipe", "pipe"],
  });
  return child as Child & { stdin: Writable };
}

/** The content types whose bodies AWS passes as text; any other body comes in base64. */
const TEXT_TYPE = /^(text\/|application\/(json|xml|javascript)\s*(;|$))/i;

/** A request as a function URL passes it. */
export async function toEvent(request: Request) {
  const { host, pathname, search } = new URL(request.url);
  const { cookie, ...headers } = Object.fromEntries(request.headers);
  const body = Buffer.from(await request.arrayBuffer());
  const isText = TEXT_TYPE.test(headers["content-type"] ?? "");
  if (body.length > 0) headers["content-length"] = String(body.length);
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: pathname,
    rawQueryString: search.slice(1),
    ...(cookie !== undefined && { cookies: cookie.split("; ") }),
    headers: { ...headers, host, "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https" },
    requestContext: {
      accountId: "anonymous",
      apiId: host.split(".")[0],
      domainName: host,
      domainPrefix: host.split(".")[0],
      http: {
        method: request.method,
        path: pathname,
        protocol: "HTTP/1.1",
        sourceIp: "192.0.2.1",
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: crypto.randomUUID(),
      routeKey: "$default",
      stage: "$default",
      time: "20/Nov/2026:10:07:08 +0000",
      timeEpoch: 1_795_169_228_000,
    },
    ...(body.length > 0 && { body: body.toString(isText ? "utf8" : "base64") }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

/** The client's answer for a result. */
export function toResponse({ statusCode, headers, cookies = [], body, isBase64Encoded }: Result) {
  const bytes = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
  const response = new Response(bytes.length > 0 ? bytes : null, { status: statusCode, headers });
  for (const cookie of cookies) response.headers.append("Set-Cookie", cookie);
  return response;
}
