import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { type Contender, type Running, startContender } from "../contenders.ts";
import { cpuTime } from "../cpu-time.ts";
import { progress } from "../progress.ts";
import { median, percentile } from "../statistics.ts";
import { type StoredBooks, storeBooks } from "../stored-books.ts";
import { CLIENT_CORE, SERVICE_CORE, sendLoad } from "../wrk.ts";
import { generate } from "./generator.ts";
import type { Load } from "./loads.ts";
import { busiest, type Layout, modelled } from "./model.ts";
import type { Check, Figures, MeasuredCost, Results, Saving } from "./results.ts";

/** What every measurement needs. */
export type Bench = { service: Contender; directory: string; rounds: number; seconds: number };

/** Of one instance, the others, which leave the generator its share of a core. */
const UTILISATIONS = { one: [0.3, 0.6, 0.8], several: [0.3, 0.6] };
/** Where a lone request is measured, and its CPU time. */
const ALONE = 0.05;
const BUSY = 0.5;
const WARM_UP_SECONDS = 1;
/** More than ever wait, so that no request is sent late. */
const CONNECTIONS = 250;
const POOL = 10;

/** `server` is the process of PostgreSQL that is the parent of all others. */
type Place = Bench & { load: Load; databaseUrl: string; server: number | undefined };

/** Measures each load: its cost with one instance, then its latency with one and several. */
export async function measureLoads(
  bench: Bench,
  loads: readonly Load[],
): Promise<Pick<Results, "costs" | "checks" | "savings">> {
  const found: Pick<Results, "costs" | "checks" | "savings"> = {
    costs: [],
    checks: [],
    savings: [],
  };
  for (const load of loads) {
    await using books = await storedBooks(load, bench);
    const server = load.database === "postgres" ? await serverOf(books.url) : undefined;
    const place = { ...bench, load, databaseUrl: books.url, server };
    const cost = await measureCost(place);
    found.costs.push(cost);
    for (const count of load.instances)
      found.checks.push(...(await measureCount(place, cost, count)));
    if (load.path === "/books/1") found.savings.push(await measureSaving(place));
  }
  return found;
}

async function storedBooks({ database }: Load, bench: Bench): Promise<StoredBooks> {
  const [program = ""] = bench.service.command;
  const directory = mkdtempSync(join(bench.directory, "books-"));
  const books = await storeBooks(database, { program, directory });
  if (database === "postgres") await makeDurable(books.url);
  return books;
}

/** Servers of tests do not wait for the disk. */
async function makeDurable(url: string): Promise<void> {
  const sql = postgres(url, { max: 1 });
  await sql.unsafe("ALTER SYSTEM SET fsync = on");
  await sql`SELECT pg_reload_conf()`;
  await sql.end();
}

async function measureCost(place: Place): Promise<MeasuredCost> {
  const { id, title, waitsForDisk } = place.load;
  progress(`${title}: cost`);
  await using running = await startWarm(place, SERVICE_CORE);
  const rough = await roughCost(running, place);
  const { instance, database } = await underLoad([running], place, BUSY / rough);
  const alone = await latencyAlone(running, place, ALONE / instance);
  return { id, title, instance, database, alone, waitsForDisk };
}

/** Of the round in which least else happened on the machine. */
async function latencyAlone({ url }: Running, place: Place, perSecond: number): Promise<number[]> {
  const { load, server, rounds, seconds } = place;
  const options = { url: url + load.path, init: load.init, connections: CONNECTIONS };
  const found: number[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    const run = { ...options, perSecond, seconds };
    const { latencies } = await generate(run, server !== undefined);
    found.push(percentiles(latencies));
  }
  const [best = []] = found.toSorted((a, b) => median(a) - median(b));
  return best;
}

/** CPU time of the instance for a request, while clients wait for each answer. */
async function roughCost({ url, pid }: Running, { load }: Place): Promise<number> {
  const before = cpuTime(pid);
  const { path, init } = load;
  const { requests } = await sendLoad({ url: url + path, init, seconds: WARM_UP_SECONDS });
  return (cpuTime(pid) - before) / 1e6 / requests;
}

/**
 * Percentiles from 0 to 99, in seconds. The slowest hundredth is the machine's: on a virtual one, a core does something
 * else now and then.
 */
export function percentiles(latencies: readonly number[]): number[] {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (percent: number) => sorted[Math.floor((percent / 100) * sorted.length)] ?? 0;
  return Array.from({ length: 100 }, (_, percent) => Number((at(percent) / 1000).toPrecision(4)));
}

/** An instance whose code is compiled. */
async function startWarm({ service, load, databaseUrl }: Place, core: string): Promise<Running> {
  await using stack = new AsyncDisposableStack();
  const started = await startContender(service, { DATABASE_URL: databaseUrl }, core);
  const running = stack.use(started);
  const { path, init } = load;
  await sendLoad({ url: running.url + path, init, seconds: WARM_UP_SECONDS });
  // From here on it is the caller's to end.
  stack.move();
  return running;
}

/** Two cores: on the first are instances, on the second are instances, PostgreSQL and the generator. */
export function layoutOf(count: number, asksDatabase: boolean): Layout {
  const instances = Array.from({ length: count }, (_, index) => index % 2);
  const layout = { machines: [1, 1], instances };
  return asksDatabase ? { ...layout, database: { machine: 1, pool: POOL } } : layout;
}

async function measureCount(place: Place, cost: MeasuredCost, count: number): Promise<Check[]> {
  progress(`${place.load.title}: ${count} ${count === 1 ? "instance" : "instances"}`);
  await using stack = new AsyncDisposableStack();
  const layout = layoutOf(count, place.server !== undefined);
  const running: Running[] = [];
  for (const core of layout.instances) {
    const name = core === 0 ? SERVICE_CORE : CLIENT_CORE;
    running.push(stack.use(await startWarm(place, name)));
  }
  const checks: Check[] = [];
  for (const utilisation of count === 1 ? UTILISATIONS.one : UTILISATIONS.several) {
    const perSecond = Math.round(utilisation / busiest(cost, layout));
    const { figures } = await underLoad(running, place, perSecond);
    const about = { id: place.load.id, instances: count, utilisation, perSecond };
    checks.push({ ...about, measured: figures, modelled: modelled(cost, { layout, perSecond }) });
  }
  return checks;
}

type Loaded = { instance: number; database: number; figures: Figures };

/** CPU time for a request in seconds, and latency, at a constant load: medians of all rounds. */
async function underLoad(
  running: readonly Running[],
  place: Place,
  perSecond: number,
): Promise<Loaded> {
  const rounds: Loaded[] = [];
  for (let round = 0; round < place.rounds; round += 1) {
    rounds.push(await oneRound(running, place, perSecond));
  }
  const middle = (of: (round: Loaded) => number) => median(rounds.map(of));
  return {
    instance: middle(({ instance }) => instance),
    database: middle(({ database }) => database),
    figures: {
      p50: middle(({ figures }) => figures.p50),
      p99: middle(({ figures }) => figures.p99),
      cpu: middle(({ figures }) => figures.cpu),
    },
  };
}

async function oneRound(
  running: readonly Running[],
  { load, server, seconds }: Place,
  perSecond: number,
): Promise<Loaded> {
  const spent = () => ({
    instance: running.reduce((sum, { pid }) => sum + cpuTime(pid), 0),
    database: server === undefined ? 0 : cpuTime(server),
  });
  const before = spent();
  const url = running.map((each) => each.url + load.path);
  const options = { url, init: load.init, connections: CONNECTIONS, perSecond, seconds };
  const sharesCore = server !== undefined || running.length > 1;
  const { latencies, planned } = await generate(options, sharesCore);
  const after = spent();
  const instance = (after.instance - before.instance) / 1e6 / planned;
  const database = (after.database - before.database) / 1e6 / planned;
  const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)];
  return { instance, database, figures: { p50, p99, cpu: instance * 1e6 } };
}

async function serverOf(url: string): Promise<number> {
  const sql = postgres(url, { max: 1 });
  const [row] = await sql<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
  const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${row?.pid}/status`, "utf8"))?.[1];
  await sql.end();
  return Number(parent);
}

/** What an answer costs that the client has already. */
async function measureSaving(place: Place): Promise<Saving> {
  const { load } = place;
  progress(`${load.title}: unchanged`);
  await using running = await startWarm(place, SERVICE_CORE);
  const url = running.url + load.path;
  const tag = (await fetch(url)).headers.get("ETag") ?? "";
  const again: RequestInit = { headers: { "If-None-Match": tag } };
  return {
    title: load.title,
    bytes: { whole: await bytesOf(url, load.init), unchanged: await bytesOf(url, again) },
    cpu: {
      whole: await roughCost(running, place),
      unchanged: await roughCost(running, { ...place, load: { ...load, init: again } }),
    },
  };
}

/** Bytes of an answer: its status line, its header lines and its body. */
async function bytesOf(url: string, init: RequestInit): Promise<number> {
  const response = await fetch(url, init);
  const lines = [`HTTP/1.1 ${response.status} ${response.statusText}`];
  for (const [name, value] of response.headers) lines.push(`${name}: ${value}`);
  return Buffer.byteLength(`${lines.join("\r\n")}\r\n\r\n`) + (await response.bytes()).length;
}
