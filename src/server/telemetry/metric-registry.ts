import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Expose } from "../../probes/metrics.ts";
import { DURATION_BOUNDS, type Durations } from "../../telemetry/metrics.ts";

export type Labels = Readonly<Record<string, string | number>>;

/** A value and the labels that tell it from others of its name. */
export type Sample<Value> = readonly [labels: Labels, value: Value];

type Metric = { name: string; help: string };

/** Metrics that are kept elsewhere, and read whenever they are to be shown. */
export type MetricRegistry = ReturnType<typeof createMetricRegistry>;

/** Makes a registry of metrics, which writes them in the formats of Prometheus. */
export function createMetricRegistry() {
  const registry = new Registry();
  const registers = [registry];

  const expose: Expose = async (type) => {
    const text = await registry.metrics();
    return type === "text/plain" ? text : openMetrics(text);
  };

  return {
    expose,

    /** @param labelNames those that every sample has. */
    counter(metric: Metric, labelNames: string[], read: () => Iterable<Sample<number>>): void {
      new Counter({
        ...metric,
        labelNames,
        registers,
        collect() {
          this.reset();
          for (const [labels, value] of read()) this.inc(labels, value);
        },
      });
    },

    gauge(metric: Metric, read: () => number | Promise<number>): void {
      new Gauge({
        ...metric,
        registers,
        async collect() {
          this.set(await read());
        },
      });
    },

    /** A gauge of 1, for what its labels say. */
    info(metric: Metric, labels: Labels): void {
      new Gauge({ ...metric, labelNames: Object.keys(labels), registers }).set(labels, 1);
    },

    /** A histogram in seconds. */
    durations(metric: Metric, read: () => Iterable<Sample<Durations>>): void {
      registry.registerMetric(new RecordedHistogram(metric, read));
    },
  };
}

/** A histogram that was counted elsewhere. prom-client has no other way to show one. */
class RecordedHistogram extends Histogram<string> {
  readonly #metric: Metric;
  readonly #read: () => Iterable<Sample<Durations>>;

  constructor(metric: Metric, read: () => Iterable<Sample<Durations>>) {
    super({ ...metric, registers: [] });
    this.#metric = metric;
    this.#read = read;
  }

  /** What a registry asks a histogram for. */
  async getForPromString() {
    const values = [...this.#read()].flatMap((sample) => histogramLines(this.#metric.name, sample));
    return { ...this.#metric, type: "histogram", values };
  }
}

function histogramLines(name: string, [labels, durations]: Sample<Durations>) {
  let below = 0;
  const buckets = DURATION_BOUNDS.map((bound, index) => {
    below += durations.counts[index] ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: durations.count },
    { metricName: `${name}_sum`, labels, value: durations.sum },
    { metricName: `${name}_count`, labels, value: durations.count },
  ];
}

/**
 * The same in OpenMetrics, where a counter's family has no `_total`. Not by prom-client, which renames
 * its counters for good when it writes OpenMetrics once, so that the text format is wrong from then on.
 */
function openMetrics(text: string): string {
  const families = text
    .replace(/^# (HELP|TYPE) (\w+)_total /gm, "# $1 $2 ")
    .replaceAll(/\n{2,}/g, "\n");
  return `${families}# EOF\n`;
}
