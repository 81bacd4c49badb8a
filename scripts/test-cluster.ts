// Installs the chart with the real helm and kubectl, and tests what it promises: upgrades and rollbacks under
// load, outages of the database, new secrets.
//
//   bun run test:cluster [--built] [./FILE]... [OPTION OF bun test]...
//
// It runs on a stand-in for a cluster (test/cluster/stand-in/main.ts), or where KUBECONFIG points: then it
// makes namespaces there whose names begin with "thimble-test-", and removes them. For kind, KIND_CLUSTER is
// the name of the cluster, into which it loads the images. With --built it takes the image as it is,
// RUN:standard where THIMBLE_TEST_RUN is RUN.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildNextRelease } from "../test/cluster/next-release.ts";
import { RUN, tagOf } from "../test/container/images.ts";
import { eventually } from "../test/service.ts";
import { buildImage } from "./build/image.ts";
import { removeRun } from "./image/remove-run.ts";
import { docker, outputOf, requireEngine } from "./shell/commands.ts";
import { runMain } from "./shell/main.ts";

const CONFIG = "--config=test/container/bunfig.toml";
/** The longest test waits for several rollbacks. */
const TIMEOUT = "--timeout=180000";
const BUILT = "--built";

type Cluster = {
  env: Record<string, string>;
  /** What happened in it, for people to find out why a test failed. */
  log: () => Promise<string>;
  close: () => Promise<void>;
};

async function main(args: readonly string[]): Promise<number> {
  await requireEngine();
  const isBuilt = args.includes(BUILT);
  const options = args.filter((arg) => arg !== BUILT);
  try {
    await buildImages(isBuilt);
    const cluster = process.env.KUBECONFIG ? await useCluster() : await startStandIn();
    try {
      const status = await runTests(options, cluster.env);
      if (status !== 0) console.log(await cluster.log());
      return status;
    } finally {
      await cluster.close();
    }
  } finally {
    await removeRun(isBuilt ? [tagOf("standard")] : []);
  }
}

async function buildImages(isBuilt: boolean): Promise<void> {
  const image = tagOf("standard");
  if (!isBuilt && (await buildImage("standard", [image], ["--quiet"])) !== 0) {
    throw new Error("the image was not built");
  }
  if ((await docker("image", "ls", "--quiet", image)) === "") {
    throw new Error(`there is no image ${image}; build it, or leave out ${BUILT}`);
  }
  await buildNextRelease();
}

async function useCluster(): Promise<Cluster> {
  const { KIND_CLUSTER: name } = process.env;
  if (name) {
    await outputOf(
      "kind",
      "load",
      "docker-image",
      `--name=${name}`,
      tagOf("standard"),
      tagOf("next"),
    );
  }
  return { env: {}, log: async () => "", close: async () => {} };
}

async function startStandIn(): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), "thimble-cluster-"));
  const log = Bun.file(join(directory, "log"));
  const command = [process.execPath, "test/cluster/stand-in/main.ts", directory, RUN];
  const child = Bun.spawn(command, { stdin: "pipe", stdout: log, stderr: log });
  const KUBECONFIG = join(directory, "kubeconfig");
  await eventually("the stand-in writes its kubeconfig", () => existsSync(KUBECONFIG) || undefined);
  return {
    env: { KUBECONFIG, THIMBLE_STAND_IN: directory },
    log: () => log.text(),
    close: async () => {
      child.stdin.end();
      await child.exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function runTests(options: readonly string[], env: Record<string, string>): Promise<number> {
  const command = [process.execPath, CONFIG, "test", "--no-orphans", TIMEOUT];
  const files = options.some((option) => option.startsWith("./")) ? [] : ["./test/cluster/"];
  const tests = Bun.spawn([...command, ...files, ...options], {
    env: { ...process.env, THIMBLE_TEST_RUN: RUN, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  // The tests get it too, from the terminal; their containers and images must still be removed.
  process.on("SIGINT", () => tests.kill("SIGINT"));
  process.on("SIGTERM", () => tests.kill("SIGTERM"));
  return await tests.exited;
}

await runMain(() => main(process.argv.slice(2)));
