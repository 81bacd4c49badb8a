import { ask, differences } from "./answers.ts";
import {
  type Contender,
  type Running,
  type Setting,
  settingFor,
  startContender,
  yardstick,
} from "./contenders.ts";
import { type Effort, type Measurement, measureInRounds } from "./rounds.ts";
import type { Workload } from "./workloads.ts";

export type WorkloadOptions = {
  service: Contender;
  peers: readonly Contender[];
  workload: Workload;
  databaseUrl: string;
  effort: Effort;
};

/** Measures the yardstick, the service and the peers with one workload, after their answers are compared. */
export async function measureWorkload(options: WorkloadOptions): Promise<Measurement[]> {
  const { service, peers, workload, databaseUrl, effort } = options;
  const { path, init } = workload;
  const setting: Setting = { DATABASE_URL: databaseUrl };
  await using stack = new AsyncDisposableStack();
  const start = async (contender: Contender, more: Partial<Setting> = {}) =>
    stack.use(await startContender(contender, { ...setting, ...more }));

  const measured = await start(service);
  const answer = await ask(measured.url + path, init);
  const running = [await start(yardstick(), settingFor(path, answer)), measured];
  for (const peer of workload.forPeers ? peers : []) running.push(await start(peer));
  for (const each of running) await requireSameAnswer(each, measured, workload);
  for (const each of running.slice(2)) await requireSameRefusal(each, measured, workload);
  return await measureInRounds(running, workload, effort);
}

async function requireSameAnswer(
  { contender, url }: Running,
  service: Running,
  { path, init }: Workload,
): Promise<void> {
  const found = differences(await ask(service.url + path, init), await ask(url + path, init));
  if (found.length === 0) return;
  throw new Error(`${contender.name} answers ${path} differently: ${found.join("; ")}`);
}

/** A peer keeps the id that it receives, and refuses a request without a key. */
async function requireSameRefusal(
  { contender, url }: Running,
  service: Running,
  { path, init }: Workload,
): Promise<void> {
  const { "X-API-Key": key, ...headers } = (init.headers ?? {}) as Record<string, string>;
  const request = { ...init, headers: { ...headers, "X-Request-Id": "from-the-bench" } };
  const expected = await ask(service.url + path, request);
  const found = await ask(url + path, request);
  const id = found.headers["x-request-id"];
  if (id !== "from-the-bench") throw new Error(`${contender.name} answers with the id ${id}`);
  if (found.status === expected.status) return;
  const with_ = key === undefined ? path : `${path} without a key`;
  throw new Error(
    `${contender.name} answers ${with_} with ${found.status}, not ${expected.status}`,
  );
}
