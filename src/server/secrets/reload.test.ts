import { afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { idleRuntime } from "../../../test/runtime.ts";
import { eventually, newDirectory } from "../../../test/service.ts";
import { type Config, ConfigError } from "../../config/config.ts";
import { createLogger } from "../../telemetry/logger.ts";
import { createSecretReload, type Prepare, type SecretReload } from "./reload.ts";
import { readConfig, reloadSecrets } from "./secrets.ts";

const KEYS = ["0123456789abcdef", "fedcba9876543210"] as const;
const LINE = `ci process sha256:${"0a".repeat(32)}`;

let opened: SecretReload | undefined;

afterEach(() => opened?.close());

function openLog() {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  const logger = createLogger({ level: "INFO", format: "json", clock: () => 0, write });
  return { logger, lines };
}

function open(parts: Prepare[] = []) {
  const path = join(newDirectory(), "key");
  writeFileSync(path, KEYS[0]);
  const env = { API_KEY_FILE: path, API_KEYS: LINE };
  const { logger, lines } = openLog();
  const outcomes: boolean[] = [];
  const configs: Config[] = [];
  const { files } = readConfig(env);
  opened = createSecretReload({
    env,
    files,
    logger,
    parts: [...parts, (config) => () => void configs.push(config)],
    onKeyReload: (succeeded) => outcomes.push(succeeded),
  });
  return { ...opened, path, lines, outcomes, configs };
}

test("every part applies a changed file, and the change is reported", async () => {
  const { path, lines, outcomes, configs } = open();
  writeFileSync(path, `${KEYS[1]}\n`);
  await eventually("the new key", () => configs.length > 0 || undefined);
  expect(configs.map(({ apiKey }) => apiKey)).toEqual([KEYS[1]]);
  expect(lines).toMatchObject([{ level: "INFO", message: "secrets reloaded", keys: 2 }]);
  expect(outcomes).toEqual([true]);
});

test("an invalid file changes nothing, and is reported without its contents", async () => {
  const { path, reload, lines, outcomes, configs } = open();
  writeFileSync(path, "short-secret");
  await reload();
  expect(configs).toEqual([]);
  expect(lines).toMatchObject([
    {
      level: "ERROR",
      message: "secrets not reloaded",
      problems: [expect.stringMatching(/^API_KEY must be at least 16 /)],
    },
  ]);
  expect(JSON.stringify(lines)).not.toContain("short-secret");
  expect(outcomes).toEqual([false]);
});

test("a configuration that one part cannot use is applied by none", async () => {
  const taken: string[] = [];
  const { reload, lines, configs } = open([
    () => () => void taken.push("first"),
    async () => {
      throw new ConfigError(["that requires a restart"]);
    },
  ]);
  await reload();
  expect([...taken, ...configs]).toEqual([]);
  expect(lines).toMatchObject([{ problems: ["that requires a restart"] }]);
});

test("a defect of one part is logged with its stack, and the next change is applied", async () => {
  let defect = true;
  const { reload, lines, configs } = open([
    () => {
      if (defect) throw new TypeError("a defect");
      return () => {};
    },
  ]);
  await reload();
  expect(lines).toMatchObject([{ error: "TypeError: a defect", stack: expect.any(String) }]);
  defect = false;
  await reload();
  expect(configs).toHaveLength(1);
});

test("reloads that are requested at once run one after the other", async () => {
  let underWay = 0;
  const { reload, outcomes } = open([
    async () => {
      underWay += 1;
      expect(underWay).toBe(1);
      await Bun.sleep(1);
      underWay -= 1;
      return () => {};
    },
  ]);
  await Promise.all([reload(), reload(), reload()]);
  expect(outcomes).toEqual([true, true, true]);
});

test("a SIGHUP that comes before the service listens has its turn when it does", async () => {
  let hangUp: (() => void) | undefined;
  const { logger, lines } = openLog();
  const env = { API_KEY: KEYS[0] };
  const onHangup = (listener: () => void) => {
    hangUp = listener;
  };
  const runtime = idleRuntime({ env, onHangup });
  const secrets = reloadSecrets(runtime, readConfig(env));
  hangUp?.();
  await secrets.start({ logger, parts: [] });
  await eventually("the reload", () => lines.length > 0 || undefined);
  expect(lines).toMatchObject([{ message: "secrets reloaded", keys: 1 }]);
  secrets.stop();
});

test("in development with nothing to reload, a SIGHUP ends the process as it would any", async () => {
  let listens = false;
  const env = { ENVIRONMENT: "development" };
  const onHangup = () => {
    listens = true;
  };
  const secrets = reloadSecrets(idleRuntime({ env, onHangup }), readConfig(env));
  await secrets.start({ logger: openLog().logger, parts: [] });
  secrets.stop();
  expect(listens).toBe(false);
});
