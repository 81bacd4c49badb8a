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
import { buildNextRelease } from "../../test/cluster/next-release.ts";
import { RUN, tagOf } from "../../test/container/images.ts";
import { eventually } from "../../test/service.ts";
import { outputOf, requireEngine } from "../shell/commands.ts";
import { runMain } from "../shell/main.ts";
import { testImages } from "./test-images.ts";

type Cluster = {
  env: Record<string, string>;
  /** What happened in it, for people to find out why a test failed. */
  log: () => Promise<string>;
  close: () => Promise<void>;
};

async function main(args: readonly string[]): Promise<number> {
  await requireEngine();
  const files = args.some((arg) => arg.startsWith("./")) ? [] : ["./test/cluster/"];
  return await testImages({ targets: ["standard"], tests: files, args, around: inCluster });
}

async function inCluster(run: () => Promise<number>): Promise<number> {
  await buildNextRelease();
  const cluster = process.env.KUBECONFIG ? await useCluster() : await startStandIn();
  try {
    Object.assign(process.env, cluster.env);
    const status = await run();
    if (status !== 0) console.log(await cluster.log());
    return status;
  } finally {
    await cluster.close();
  }
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

await runMain(() => main(process.argv.slice(2)));
