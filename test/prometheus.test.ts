/** The files of deploy/prometheus and deploy/grafana, with Debian's Prometheus and a service under load. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import dashboard from "../deploy/grafana/dashboard.json" with { type: "json" };
import { freshDatabase } from "./postgres.ts";
import { FROM_SOURCE } from "./program.ts";
import {
  HAS_PROMETHEUS,
  NO_PROMETHEUS,
  PROMETHEUS_FILES,
  type Prometheus,
  prometheusFiles,
  startPrometheus,
} from "./prometheus.ts";
import { API_KEY, eventually, type Service, startService } from "./service.ts";

setDefaultTimeout(120_000);

const ALERTS = Bun.file(join(PROMETHEUS_FILES, "alerts.yml"));

type Panel = { title: string; type: string; targets?: { expr: string }[] };

const QUERIES = (dashboard.panels as Panel[]).flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ title, expr })),
);

/** A query as Grafana sends it, for the one job that there is. */
function withVariables(expression: string): string {
  return expression
    .replaceAll("$__rate_interval", "10s")
    .replaceAll("$job", "thimble")
    .replaceAll("$namespace", ".*")
    .replaceAll("$instance", ".*");
}

function promtool(...args: string[]) {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["promtool", ...args], {
    cwd: PROMETHEUS_FILES,
  });
  return { exitCode, output: `${stdout}${stderr}` };
}

describe.skipIf(!HAS_PROMETHEUS)(`promtool${NO_PROMETHEUS}`, () => {
  test("finds nothing wrong with the rules", () => {
    const { exitCode, output } = promtool("check", "rules", "rules.yml", "alerts.yml");
    expect(output).not.toMatch(/FAILED|duplicate/i);
    expect(exitCode).toBe(0);
  });

  test("finds nothing wrong with the configuration", () => {
    const directory = prometheusFiles(["127.0.0.1:1"], "15s");
    const { exitCode, output } = promtool("check", "config", join(directory, "prometheus.yml"));
    rmSync(directory, { recursive: true });
    expect(output).toContain("is valid prometheus config file syntax");
    expect(exitCode).toBe(0);
  });

  test("sees every alert fire when it should, and only then", () => {
    const { exitCode, output } = promtool("test", "rules", "tests.yml");
    expect(output).toContain("SUCCESS");
    expect(exitCode).toBe(0);
  });
});

describe("every alert", () => {
  test("is fired by a test, and kept quiet by one", async () => {
    const tests = await Bun.file(join(PROMETHEUS_FILES, "tests.yml")).text();
    for (const name of await alertNames()) {
      expect(tests).toMatch(
        new RegExp(`alertname: ${name}\n\\s+eval_time: \\w+\n\\s+exp_alerts:\n`),
      );
      expect(tests).toMatch(new RegExp(`alertname: ${name}, eval_time: \\w+, exp_alerts: \\[\\]`));
    }
  });

  test("has a severity, and a section of the runbook", async () => {
    const text = await ALERTS.text();
    for (const name of await alertNames()) {
      const [, rule = ""] = new RegExp(`alert: ${name}\n([\\s\\S]*?)(?:\n\n|$)`).exec(text) ?? [];
      expect(rule).toMatch(/severity: (page|ticket)/);
      expect(rule).toContain(`runbook: docs/operations.md#${name.toLowerCase()}`);
    }
  });
});

async function alertNames(): Promise<string[]> {
  const names = [...(await ALERTS.text()).matchAll(/alert: (\w+)/g)].map(([, name = ""]) => name);
  expect(names.length).toBeGreaterThan(10);
  return names;
}

test("every query of the dashboard and its variables is for the namespace that is chosen", () => {
  const variables = dashboard.templating.list.flatMap(({ definition = "" }) => definition);
  const queries = [...QUERIES.map(({ expr }) => expr), ...variables];
  const selectors = queries.flatMap((query) => query.match(/\{[^{}]*job=[^{}]*\}/g) ?? []);
  expect(selectors.length).toBeGreaterThan(30);
  for (const selector of selectors) expect(selector).toContain('namespace=~"$namespace"');
});

test("every rule keeps the namespaces apart", async () => {
  for (const file of ["rules.yml", "alerts.yml"]) {
    const text = await Bun.file(join(PROMETHEUS_FILES, file)).text();
    const groupings = text.match(/\bby \([^)]*\)/g) ?? [];
    expect(groupings.length).toBeGreaterThan(1);
    for (const grouping of groupings) expect(grouping).toStartWith("by (namespace, job");
  }
});

describe.skipIf(!HAS_PROMETHEUS)(`a service under load${NO_PROMETHEUS}`, () => {
  let service: Service;
  let prometheus: Prometheus;
  let load: { stop: () => Promise<void> };
  let release: () => Promise<void>;

  beforeAll(async () => {
    const { url, drop } = await freshDatabase();
    service = await startService({
      command: FROM_SOURCE,
      env: { DATABASE_URL: url },
    });
    load = loadService(service);
    prometheus = await startPrometheus([`127.0.0.1:${service.port}`]);
    release = async () => {
      await load.stop();
      await prometheus[Symbol.asyncDispose]();
      await service[Symbol.asyncDispose]();
      await drop();
    };
  });

  afterAll(() => release?.());

  test("is up", async () => {
    await eventually("Prometheus has read it", async () => {
      const [found] = await prometheus.query('up{job="thimble"}');
      return found?.value[1] === "1" || undefined;
    });
  });

  test("is read in OpenMetrics, whose counters are named without _total", async () => {
    const family = await eventually("the type of a counter", () =>
      prometheus.family("http_requests"),
    );
    expect(family.type).toBe("counter");
  });

  for (const { title, expr } of QUERIES) {
    test(`has a value in "${title}": ${expr}`, async () => {
      const values = await eventually(`a number of ${expr}`, async () => {
        const found = await prometheus.query(withVariables(expr));
        const numbers = found.filter(({ value }) => Number.isFinite(Number(value[1])));
        return numbers.length > 0 ? numbers : undefined;
      });
      expect(values).not.toBeEmpty();
    });
  }

  test("evaluates every rule, and no alert fires", async () => {
    const rules = await eventually("every rule is evaluated", async () => {
      const all = await prometheus.rules();
      return all.every(({ health }) => health !== "unknown") ? all : undefined;
    });
    expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
    const names = rules.filter(({ type }) => type === "alerting").map(({ name }) => name);
    expect(names.toSorted()).toEqual((await alertNames()).toSorted());
    const firing = (await prometheus.alerts()).filter(({ state }) => state === "firing");
    expect(firing).toEqual([]);
  });
});

/** Sends valid and invalid requests until it is stopped. */
function loadService({ url }: Service) {
  let stopped = false;
  const headers = { "X-API-Key": API_KEY, "Content-Type": "application/json" };
  const book = JSON.stringify({ title: "Emma", author: "Jane Austen", year: 1815 });
  const ask = async (path: string, init?: RequestInit) =>
    (await fetch(url + path, { headers, ...init })).text();
  const client = async () => {
    while (!stopped) {
      await ask("/books");
      const { id } = JSON.parse(await ask("/books", { method: "POST", body: book }));
      await ask(`/books/${id}`);
      await ask(`/books/${id}`, { method: "PATCH", body: '{"year":1816}' });
      await ask(`/books/${id}`, { method: "DELETE" });
      await ask("/books", { method: "POST", headers: {}, body: book });
      await ask("/nothing");
      await ask("/ready");
      // The tests send requests at the same time, and the machine may be small.
      await Bun.sleep(20);
    }
  };
  const clients = Array.from({ length: 4 }, client);
  return {
    stop: async () => {
      stopped = true;
      await Promise.all(clients);
    },
  };
}
