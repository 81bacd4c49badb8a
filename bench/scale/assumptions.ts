/** An input of the projection that was not measured here. */
export type Assumption = {
  value: number;
  what: string;
  /** Where it is from, and when it was looked up. */
  source: string;
};

const OURS = "a choice of this page";
const FARGATE =
  "[Fargate](https://aws.amazon.com/fargate/pricing/), us-east-1, Linux on x86, 2026-03";
const WORKERS =
  "[Workers](https://developers.cloudflare.com/workers/platform/pricing/), paid plan, 2026-08";

/** Change a value, and run `bun bench/tables.ts`: every table and the chart of docs/scaling.md follow. */
export const ASSUMPTIONS = {
  utilisation: { value: 0.6, what: "share of its core that an instance uses", source: OURS },
  databaseUtilisation: { value: 0.6, what: "the same for PostgreSQL", source: OURS },
  leastInstances: { value: 2, what: "instances at least, so that one can fail", source: OURS },
  surge: { value: 1, what: "instances that an update starts before it stops others", source: OURS },
  jobs: { value: 2, what: "connections of jobs: a migration and a backup", source: OURS },
  maxConnections: {
    value: 500,
    what: "`max_connections` of PostgreSQL",
    source: `${OURS}; PostgreSQL's default is 100`,
  },
  largestDatabase: { value: 64, what: "cores of the largest PostgreSQL", source: OURS },
  hitRatio: { value: 0.9, what: "share of reads that a CDN answers by itself", source: OURS },
  hours: { value: 730, what: "hours a month", source: "365 days × 24 / 12" },
  coreHour: { value: 0.04048, what: "$ for a core of an instance, an hour", source: FARGATE },
  gibHour: { value: 0.004445, what: "$ for a GiB of its memory, an hour", source: FARGATE },
  gib: { value: 2, what: "GiB of an instance, the least with one core", source: FARGATE },
  databaseCoreHour: {
    value: 0.0795,
    what: "$ for a core of PostgreSQL, an hour",
    source:
      "[RDS](https://aws.amazon.com/rds/postgresql/pricing/), db.m6g, us-east-1; an estimate, not verified",
  },
  databaseCopies: {
    value: 2,
    what: "servers of PostgreSQL: a primary and a standby",
    source: OURS,
  },
  gigabyte: {
    value: 0.09,
    what: "$ for a GB to the internet",
    source: "AWS, the first 10 TB a month, 2026-03; larger volumes cost down to 0.05",
  },
  cdnGigabyte: {
    value: 0.085,
    what: "the same through a CDN",
    source:
      "[CloudFront](https://aws.amazon.com/cloudfront/pricing/), the first 10 TB in North America and Europe, 2026-03",
  },
  cdnMillion: {
    value: 1,
    what: "$ for a million requests to a CDN",
    source: "CloudFront, HTTPS in North America; an estimate, not verified",
  },
  workersMillion: { value: 0.3, what: "$ for a million requests to Workers", source: WORKERS },
  workersMillionMs: { value: 0.02, what: "$ for a million ms of CPU there", source: WORKERS },
  workersMs: {
    value: 0.5,
    what: "ms of CPU for a request there",
    source: "[measured on Node](runtimes.md#what-differs), as workerd does not report it",
  },
  d1MillionRows: {
    value: 0.001,
    what: "$ for a million rows read from D1",
    source: "[D1](https://developers.cloudflare.com/d1/platform/pricing/), paid plan, 2026-08",
  },
} as const satisfies Record<string, Assumption>;
