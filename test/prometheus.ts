import { spawn } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { API_KEY, type Child, eventually, newDirectory, watch } from "./service.ts";

/** The configuration, rules and alerts for Prometheus. */
export const PROMETHEUS_FILES = join(import.meta.dir, "../deploy/prometheus");

/** Debian's packages bring both. */
export const HAS_PROMETHEUS = Bun.which("prometheus") !== null && Bun.which("promtool") !== null;
export const NO_PROMETHEUS = HAS_PROMETHEUS ? "" : " (skipped: there is no prometheus here)";

type Labels = Record<string, string>;
type Vector = { metric: Labels; value: [time: number, value: string] }[];
type Rule = { name: string; type: "recording" | "alerting"; health: string; lastError?: string };
type Alert = { labels: Labels; state: string };

export type Prometheus = {
  /** The current result of a query. @throws {Error} where the query is not valid. */
  query: (expression: string) => Promise<Vector>;
  rules: () => Promise<Rule[]>;
  /** The metadata of a family of metrics. */
  family: (name: string) => Promise<{ type: string } | undefined>;
  alerts: () => Promise<Alert[]>;
  [Symbol.asyncDispose]: () => Promise<void>;
};

/** A copy of the project's files, with these targets instead of Compose's, and a shorter interval. */
export function prometheusFiles(targets: readonly string[], interval: string): string {
  const directory = newDirectory();
  cpSync(PROMETHEUS_FILES, directory, { recursive: true });
  const path = join(directory, "prometheus.yml");
  const key = join(directory, "key");
  writeFileSync(key, API_KEY);
  const text = readFileSync(path, "utf8")
    .replaceAll(/(_interval): 15s/g, `$1: ${interval}`)
    .replace("/run/api-key/api_key", key)
    .replace(
      /dns_sd_configs:[\s\S]*$/,
      `static_configs: [{ targets: ${JSON.stringify(targets)} }]\n`,
    );
  writeFileSync(path, text);
  return directory;
}

/** Starts a Prometheus with the project's files, which scrapes these targets twice a second. */
export async function startPrometheus(targets: readonly string[]): Promise<Prometheus> {
  const directory = prometheusFiles(targets, "500ms");
  const child: Child = spawn(
    "prometheus",
    [
      `--config.file=${join(directory, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(directory, "data")}`,
      "--web.listen-address=127.0.0.1:0",
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const { stderr, exited } = watch(child);
  const dispose = async () => {
    child.kill("SIGKILL");
    await exited;
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const address = await eventually("Prometheus listens", () => {
      if (child.exitCode !== null) throw new Error(`It ended: ${stderr()}`);
      return /msg="Listening on".* address=(\S+)/.exec(stderr())?.[1];
    });
    await eventually("Prometheus is ready", async () => {
      const { ok } = await fetch(`http://${address}/-/ready`);
      return ok || undefined;
    });
    const ask = async (path: string) => {
      const response = await fetch(`http://${address}/api/v1/${path}`);
      const { data, error } = (await response.json()) as { data?: unknown; error?: string };
      if (!response.ok) throw new Error(`${path}: ${error}`);
      return data;
    };
    return {
      query: async (expression) => {
        const data = await ask(`query?${new URLSearchParams({ query: expression })}`);
        return (data as { result: Vector }).result;
      },
      rules: async () =>
        ((await ask("rules")) as { groups: { rules: Rule[] }[] }).groups.flatMap(
          ({ rules }) => rules,
        ),
      family: async (name) => {
        const families = (await ask(`metadata?metric=${name}`)) as Record<
          string,
          { type: string }[]
        >;
        return families[name]?.[0];
      },
      alerts: async () => ((await ask("alerts")) as { alerts: Alert[] }).alerts,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
