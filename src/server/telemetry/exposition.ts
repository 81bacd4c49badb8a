import type { ExpositionType } from "../../probes/metrics.ts";
import { DURATION_BOUNDS, type Durations } from "../../telemetry/metrics.ts";

type Labels = Readonly<Record<string, string | number>>;

/** A value, and the labels that tell it from the others of its family. */
export type Sample<Value> = readonly [labels: Labels, value: Value];

/** All samples of one metric. A counter's name ends in `_total`. */
export type Family = { name: string; help: string } & (
  | { type: "counter" | "gauge"; samples: Iterable<Sample<number>> }
  | { type: "histogram"; samples: Iterable<Sample<Durations>> }
);

/**
 * Writes metrics in the text format of Prometheus, version 0.0.4, or in OpenMetrics 1.0.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 * @see https://prometheus.io/docs/specs/om/open_metrics_spec/#text-format
 */
export function writeExposition(families: readonly Family[], type: ExpositionType): string {
  if (type === "text/plain") {
    const texts = families.map((each) => writeFamily(each, each.name, escapeLines(each.help)));
    return texts.join("\n");
  }
  const texts = families.map((each) =>
    writeFamily(each, each.name.replace(/_total$/, ""), escapeQuoted(each.help)),
  );
  return `${texts.join("")}# EOF\n`;
}

function writeFamily(family: Family, name: string, help: string): string {
  const head = `# HELP ${name} ${help}\n# TYPE ${name} ${family.type}\n`;
  return head + samplesOf(family).join("");
}

function samplesOf(family: Family): string[] {
  const { name } = family;
  if (family.type === "histogram") {
    return Array.from(family.samples).flatMap((sample) => histogramLines(name, sample));
  }
  return Array.from(family.samples, ([labels, value]) => sampleLine(name, labels, value));
}

function histogramLines(name: string, [labels, { counts, count, sum }]: Sample<Durations>) {
  let below = 0;
  const buckets = DURATION_BOUNDS.map((le, index) => {
    below += counts[index] ?? 0;
    return sampleLine(`${name}_bucket`, { ...labels, le }, below);
  });
  return [
    ...buckets,
    sampleLine(`${name}_bucket`, { ...labels, le: "+Inf" }, count),
    sampleLine(`${name}_sum`, labels, sum),
    sampleLine(`${name}_count`, labels, count),
  ];
}

function sampleLine(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(
    ([label, text]) => `${label}="${escapeQuoted(String(text))}"`,
  );
  return `${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}\n`;
}

/** As both formats have it in label values, and OpenMetrics in help too. */
function escapeQuoted(text: string): string {
  return escapeLines(text).replaceAll('"', '\\"');
}

function escapeLines(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
