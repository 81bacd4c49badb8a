import process from "node:process";
import type { PoolUse } from "../../database/lifecycle.ts";
import type { Expose } from "../../probes/metrics.ts";
import { SERVICE } from "../../service.ts";
import { addDuration, noDurations } from "../../telemetry/metrics.ts";
import type { Records } from "../../telemetry/recorder.ts";
import { watchEventLoopLag } from "./event-loop-lag.ts";
import { createMetricRegistry, type MetricRegistry, type Sample } from "./metric-registry.ts";
import { cpuSeconds, maxFds, openFds, processStartTime, virtualBytes } from "./process-usage.ts";

export type ExpositionDeps = {
  records: Records;
  /** Whether the database answers; it does not throw, and comes to an end. */
  isDatabaseUp: () => Promise<boolean>;
  /** Left out where the store has no pool. */
  poolUse?: (() => PoolUse) | undefined;
};

/** Shows what the service has recorded, and how its process is, in the formats of Prometheus. */
export function createExposition({ records, isDatabaseUp, poolUse }: ExpositionDeps): Expose {
  const registry = createMetricRegistry();
  addBuildInfo(registry);
  addRequests(registry, records);
  addKeys(registry, records);
  // Before the database is asked whether it is up: that takes a connection itself.
  if (poolUse) addPool(registry, poolUse);
  addDatabase(registry, records, isDatabaseUp);
  addProcess(registry);
  addEventLoop(registry);
  return registry.expose;
}

function addBuildInfo(registry: MetricRegistry): void {
  const [runtime, runtimeVersion] = runtimeOf(process.versions);
  registry.info(
    { name: "thimble_build_info", help: "1, with what is running in its labels." },
    { version: SERVICE.version, runtime, runtime_version: runtimeVersion },
  );
}

/** Bun and Deno name a version of Node too, the one whose API they have. */
function runtimeOf(versions: Record<string, string | undefined>): [name: string, version: string] {
  for (const name of ["bun", "deno"]) {
    const version = versions[name];
    if (version !== undefined) return [name, version];
  }
  return ["node", versions.node ?? "unknown"];
}

function addRequests(registry: MetricRegistry, records: Records): void {
  const durations = () =>
    [...records.requests()].map(({ labels, durations }) => [labels, durations] as const);
  registry.counter(
    { name: "http_requests_total", help: "Requests that were answered." },
    ["method", "route", "status"],
    () => durations().map(([labels, { count }]) => [labels, count]),
  );
  registry.durations(
    {
      name: "http_request_duration_seconds",
      help: "From the beginning of a request until its response was returned.",
    },
    durations,
  );
  registry.gauge(
    { name: "http_requests_in_flight", help: "Requests under way, this one included." },
    () => records.requestsInFlight,
  );
  registry.counter(
    {
      name: "http_requests_refused_total",
      help: "Requests turned away by a limit, for want of a key or for want of the database.",
    },
    ["reason"],
    () => labelled("reason", records.refusals),
  );
}

function addKeys(registry: MetricRegistry, records: Records): void {
  registry.counter(
    { name: "thimble_key_reloads_total", help: "Times that the keys were to be read again." },
    ["result"],
    () => labelled("result", records.keyReloads),
  );
  registry.gauge(
    { name: "thimble_keys_loaded_timestamp_seconds", help: "When the keys in use were read." },
    () => records.keysLoadedAt / 1000,
  );
}

function addDatabase(
  registry: MetricRegistry,
  { storeOperations }: Records,
  isDatabaseUp: () => Promise<boolean>,
): void {
  registry.gauge(
    { name: "thimble_database_up", help: "1 if the database answered within a second, else 0." },
    async () => Number(await isDatabaseUp()),
  );
  registry.durations(
    {
      name: "thimble_database_operation_duration_seconds",
      help: "How long operations on the database took, waiting for a connection included.",
    },
    () => [...storeOperations()].map(({ labels, durations }) => [labels, durations] as const),
  );
}

function addPool(registry: MetricRegistry, poolUse: () => PoolUse): void {
  registry.gauge(
    { name: "thimble_database_pool_size", help: "The most connections to the database." },
    () => poolUse().size,
  );
  registry.gauge(
    { name: "thimble_database_pool_in_use", help: "Connections with an operation under way." },
    () => poolUse().inUse,
  );
  registry.gauge(
    { name: "thimble_database_pool_waiting", help: "Operations that wait for a connection." },
    () => poolUse().waiting,
  );
}

const PROCESS_GAUGES: [name: string, help: string, read: () => number | undefined][] = [
  ["process_resident_memory_bytes", "Memory of the process.", () => process.memoryUsage().rss],
  ["process_virtual_memory_bytes", "Address space of the process.", () => virtualBytes()],
  ["process_open_fds", "Open file descriptors.", () => openFds()],
  ["process_max_fds", "The most open file descriptors.", () => maxFds()],
  ["thimble_heap_size_bytes", "JavaScript's heap.", () => process.memoryUsage().heapTotal],
  ["thimble_heap_used_bytes", "What is used of it.", () => process.memoryUsage().heapUsed],
];

/**
 * Not the collectors of prom-client, which count CPU time from when they are loaded, say 0 where a
 * system says nothing, and on Bun are mostly about what V8 alone has.
 */
function addProcess(registry: MetricRegistry): void {
  registry.counter(
    { name: "process_cpu_seconds_total", help: "CPU time that the process has used." },
    [],
    () => [[{}, cpuSeconds()]],
  );
  const startTime = processStartTime();
  registry.gauge(
    { name: "process_start_time_seconds", help: "When the process began." },
    () => startTime,
  );
  for (const [name, help, read] of PROCESS_GAUGES) {
    if (read() !== undefined) registry.gauge({ name, help }, () => read() ?? 0);
  }
}

function addEventLoop(registry: MetricRegistry): void {
  const lag = noDurations();
  watchEventLoopLag((seconds) => addDuration(lag, seconds));
  registry.durations(
    {
      name: "thimble_event_loop_lag_seconds",
      help: "How much later than asked for a timer came, ten times a second.",
    },
    () => [[{}, lag]],
  );
}

/** Values by the one label that tells them apart. */
function labelled<Value>(label: string, values: Readonly<Record<string, Value>>): Sample<Value>[] {
  return Object.entries(values).map(([key, value]) => [{ [label]: key }, value]);
}
