import { expect, test } from "bun:test";
import { addDuration, noDurations } from "../../telemetry/metrics.ts";
import { type Family, writeExposition } from "./exposition.ts";

const durations = noDurations();
for (const seconds of [0.0005, 0.3, 60]) addDuration(durations, seconds);

const FAMILIES: Family[] = [
  {
    name: "jobs_total",
    help: 'A "job",\nor C:\\n.',
    type: "counter",
    samples: [
      [{ path: 'a"b\\n\nc', status: 200 }, 3],
      [{ path: "d", status: 404 }, 0],
    ],
  },
  { name: "up", help: "Up.", type: "gauge", samples: [[{}, 0.25]] },
  { name: "none_total", help: "None yet.", type: "counter", samples: [] },
  { name: "job_seconds", help: "Time.", type: "histogram", samples: [[{ job: "x" }, durations]] },
];

const BUCKETS = `job_seconds_bucket{job="x",le="0.0005"} 1
job_seconds_bucket{job="x",le="0.001"} 1
job_seconds_bucket{job="x",le="0.0025"} 1
job_seconds_bucket{job="x",le="0.005"} 1
job_seconds_bucket{job="x",le="0.01"} 1
job_seconds_bucket{job="x",le="0.025"} 1
job_seconds_bucket{job="x",le="0.05"} 1
job_seconds_bucket{job="x",le="0.1"} 1
job_seconds_bucket{job="x",le="0.25"} 1
job_seconds_bucket{job="x",le="0.5"} 2
job_seconds_bucket{job="x",le="1"} 2
job_seconds_bucket{job="x",le="2.5"} 2
job_seconds_bucket{job="x",le="5"} 2
job_seconds_bucket{job="x",le="10"} 2
job_seconds_bucket{job="x",le="30"} 2
job_seconds_bucket{job="x",le="+Inf"} 3
job_seconds_sum{job="x"} 60.3005
job_seconds_count{job="x"} 3
`;

test("the text format escapes quotes in label values and not in help", () => {
  expect(writeExposition(FAMILIES, "text/plain")).toBe(
    String.raw`# HELP jobs_total A "job",\nor C:\\n.
# TYPE jobs_total counter
jobs_total{path="a\"b\\n\nc",status="200"} 3
jobs_total{path="d",status="404"} 0

# HELP up Up.
# TYPE up gauge
up 0.25

# HELP none_total None yet.
# TYPE none_total counter

# HELP job_seconds Time.
# TYPE job_seconds histogram
${BUCKETS}`,
  );
});

test("OpenMetrics escapes quotes in both, names no family _total, and ends with EOF", () => {
  expect(writeExposition(FAMILIES, "application/openmetrics-text")).toBe(
    String.raw`# HELP jobs A \"job\",\nor C:\\n.
# TYPE jobs counter
jobs_total{path="a\"b\\n\nc",status="200"} 3
jobs_total{path="d",status="404"} 0
# HELP up Up.
# TYPE up gauge
up 0.25
# HELP none None yet.
# TYPE none counter
# HELP job_seconds Time.
# TYPE job_seconds histogram
${BUCKETS}# EOF
`,
  );
});
