import process from "node:process";
import type { AppMetrics } from "../../app.ts";
import type { Database } from "../../database/database.ts";
import type { PoolUse } from "../../database/lifecycle.ts";
import { SERVICE } from "../../identity.ts";
import { answers, checkDatabase } from "../../probes/health.ts";
import {
  addDuration,
  createRecorder,
  type Durations,
  noDurations,
  type Records,
} from "../../telemetry/metrics.ts";
import type { Clock } from "../../time.ts";
import { type Family, type Sample, writeExposition } from "./exposition.ts";
import {
  cpuSeconds,
  maxFds,
  openFds,
  processStartTime,
  virtualBytes,
  watchEventLoopLag,
} from "./process-usage.ts";

/** The metrics of a service on a database, with those of its process. */
export function createServiceMetrics(
  database: Pick<Database, "ping" | "poolUse">,
  clock: Clock,
): AppMetrics {
  const { metrics, records } = createRecorder(clock);
  const startTime = processStartTime();
  let lag: Durations | undefined;
  return {
    metrics,
    records,
    memoryBytes: process.memoryUsage.rss,
    expose: async (type) => {
      lag ??= startLagHistogram();
      // First, as asking whether the database is up takes a connection itself.
      const pool = database.poolUse?.();
      const isDatabaseUp = answers(await checkDatabase(database));
      const families = [
        buildInfo(),
        ...requestFamilies(records),
        ...keyFamilies(records),
        ...(pool ? poolFamilies(pool) : []),
        ...databaseFamilies(records, isDatabaseUp),
        ...processFamilies(startTime),
        lagFamily(lag),
      ];
      return writeExposition(families, type);
    },
  };
}

/** The name of a metric of this service alone. */
const own = (name: string) => `${SERVICE.identifier}_${name}`;

function buildInfo(): Family {
  const [runtime, runtimeVersion] = runtimeOf(process.versions);
  return {
    name: own("build_info"),
    help: "1, with what is running in its labels.",
    type: "gauge",
    samples: [[{ version: SERVICE.version, runtime, runtime_version: runtimeVersion }, 1]],
  };
}

/** Bun and Deno also report a version of Node, the one whose API they have. */
function runtimeOf(versions: Record<string, string | undefined>): [name: string, version: string] {
  for (const name of ["bun", "deno"]) {
    const version = versions[name];
    if (version !== undefined) return [name, version];
  }
  return ["node", versions.node ?? "unknown"];
}

function requestFamilies(records: Records): Family[] {
  const requests = [...records.requests()];
  return [
    {
      name: "http_requests_total",
      help: "Requests that were answered.",
      type: "counter",
      samples: requests.map(({ labels, durations }) => [labels, durations.count]),
    },
    {
      name: "http_request_duration_seconds",
      help: "From the beginning of a request until its response was returned.",
      type: "histogram",
      samples: requests.map(({ labels, durations }) => [labels, durations]),
    },
    gauge(
      "http_requests_in_flight",
      "Requests in flight, this one included.",
      records.requestsInFlight,
    ),
    {
      name: "http_requests_refused_total",
      help: "Requests refused by a limit, or because a key was missing or the database unavailable.",
      type: "counter",
      samples: samplesBy("reason", records.refusals),
    },
  ];
}

function keyFamilies({ wrongKeys, keyReloads, keysLoadedAt }: Records): Family[] {
  return [
    {
      name: own("wrong_keys_total"),
      help: "Requests with a wrong key, also on routes that need none.",
      type: "counter",
      samples: [[{}, wrongKeys]],
    },
    {
      name: own("key_reloads_total"),
      help: "Attempts to read the keys again.",
      type: "counter",
      samples: samplesBy("result", keyReloads),
    },
    gauge(
      own("keys_loaded_timestamp_seconds"),
      "When the keys in use were read.",
      keysLoadedAt / 1000,
    ),
  ];
}

function poolFamilies({ size, inUse, waiting }: PoolUse): Family[] {
  return [
    gauge(own("database_pool_size"), "The most connections to the database.", size),
    gauge(own("database_pool_in_use"), "Connections with an operation in progress.", inUse),
    gauge(own("database_pool_waiting"), "Operations that wait for a connection.", waiting),
  ];
}

function databaseFamilies({ storeOperations }: Records, isUp: boolean): Family[] {
  return [
    gauge(own("database_up"), "1 if the database answered within a second, else 0.", Number(isUp)),
    {
      name: own("database_operation_duration_seconds"),
      help: "How long operations on the database took, waiting for a connection included.",
      type: "histogram",
      samples: Array.from(storeOperations(), ({ labels, durations }) => [labels, durations]),
    },
  ];
}

function processFamilies(startTime: number): Family[] {
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  const gauges: [name: string, help: string, value: number | undefined][] = [
    ["process_start_time_seconds", "When the process began.", startTime],
    ["process_resident_memory_bytes", "Memory of the process.", rss],
    ["process_virtual_memory_bytes", "Address space of the process.", virtualBytes()],
    ["process_open_fds", "Open file descriptors.", openFds()],
    ["process_max_fds", "The most open file descriptors.", maxFds()],
    [own("heap_size_bytes"), "JavaScript's heap.", heapTotal],
    [own("heap_used_bytes"), "The part of JavaScript's heap that is in use.", heapUsed],
  ];
  return [
    {
      name: "process_cpu_seconds_total",
      help: "CPU time that the process has used.",
      type: "counter",
      samples: [[{}, cpuSeconds()]],
    },
    // What the system does not report is left out, as 0 would be wrong.
    ...gauges.flatMap(([name, help, value]) =>
      value === undefined ? [] : [gauge(name, help, value)],
    ),
  ];
}

function startLagHistogram(): Durations {
  const lag = noDurations();
  watchEventLoopLag((seconds) => addDuration(lag, seconds));
  return lag;
}

function lagFamily(lag: Durations): Family {
  return {
    name: own("event_loop_lag_seconds"),
    help: "How late a timer fired, ten times a second.",
    type: "histogram",
    samples: [[{}, lag]],
  };
}

function gauge(name: string, help: string, value: number): Family {
  return { name, help, type: "gauge", samples: [[{}, value]] };
}

/** One sample for each value, told apart by one label. */
function samplesBy(label: string, values: Readonly<Record<string, number>>): Sample<number>[] {
  return Object.entries(values).map(([key, value]) => [{ [label]: key }, value]);
}
