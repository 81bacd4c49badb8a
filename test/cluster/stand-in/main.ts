// A stand-in for a Kubernetes cluster, for machines that can run none: an API server, controllers and a kubelet
// on the local Docker engine. The real helm and kubectl install into it, and real containers run:
//
//   bun test/cluster/stand-in/main.ts DIRECTORY [NAME]
//
// It writes DIRECTORY/kubeconfig, and one line for each change that a client asks for to DIRECTORY/audit.log,
// until its input ends. Images must be in the engine.
//
// It runs Pods, Jobs, Deployments and StatefulSets with their security context, memory limit, environment,
// Secrets, ConfigMaps, claims, probes and grace periods. It has no scheduler and one node; no CNI,
// NetworkPolicy or cluster IPs (a Service is reached at its node port, and inside by the names of its pods); no
// RBAC, no admission, no check of fields, no defaults, no HorizontalPodAutoscaler, no evictions, no init
// containers or sidecars. What it lets pass, a real cluster may refuse: GitHub's workflow runs the same tests
// on real ones.
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { runMain, UsageError } from "../../../scripts/shell/main.ts";
import { startApiServer } from "./api-server.ts";
import { bindClaims } from "./claims.ts";
import { createDeploymentController } from "./deployments.ts";
import { collectGarbage } from "./garbage.ts";
import { reconcileJobs } from "./jobs.ts";
import { startKubelet } from "./kubelet.ts";
import { createServiceProxies } from "./services.ts";
import { reconcileStatefulSets } from "./stateful-sets.ts";
import { createStore, type Store } from "./store.ts";

/** How soon after a change the controllers compare what is with what should be; and how often, for what time changes. */
const REACTION_MS = 10;
const RECONCILE_MS = 250;

/** The address of the one node, where the ports of Services are. */
const NODE = "127.0.0.1";

async function main([directory, run = "thimble-cluster"]: readonly string[]): Promise<void> {
  if (directory === undefined) throw new UsageError("expected DIRECTORY [NAME]");
  if (process.getuid?.() !== 0) throw new Error("only root can give volumes their owners");
  const state = resolve(directory);
  mkdirSync(state, { recursive: true });
  const store = createStore();
  const audit = (line: string) => appendFileSync(join(state, "audit.log"), `${line}\n`);
  const server = startApiServer({ store, containers: startKubelet({ store, state, run }), audit });
  startControllers(store);
  addNode(store);
  writeFileSync(join(state, "kubeconfig"), kubeconfig(`http://127.0.0.1:${server.port}`));
  console.log(`KUBECONFIG=${join(state, "kubeconfig")}`);
  await Array.fromAsync(Bun.stdin.stream());
  process.exit(0);
}

function startControllers(store: Store): void {
  const controllers = [
    createDeploymentController(store),
    createServiceProxies(store),
    () => reconcileStatefulSets(store),
    () => reconcileJobs(store),
    () => bindClaims(store),
    () => collectGarbage(store),
  ];
  let isDue = false;
  const reconcile = () => {
    isDue = false;
    for (const control of controllers) control();
  };
  setInterval(reconcile, RECONCILE_MS);
  store.watch(store.version(), () => {
    if (isDue) return;
    isDue = true;
    setTimeout(reconcile, REACTION_MS);
  });
}

function addNode(store: Store): void {
  store.put("Namespace", { metadata: { name: "default" } });
  const addresses = [{ type: "InternalIP", address: NODE }];
  const ready = { type: "Ready", status: "True", reason: "KubeletReady" };
  store.put("Node", { metadata: { name: "node" }, status: { addresses, conditions: [ready] } });
}

/** As JSON, which is YAML too. */
function kubeconfig(server: string): string {
  const name = "stand-in";
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server } }],
    users: [{ name, user: {} }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: "default" } }],
    "current-context": name,
  });
}

await runMain(() => main(process.argv.slice(2)));
