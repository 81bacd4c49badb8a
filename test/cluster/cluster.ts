import { clusterTools } from "../../scripts/cluster-tools.ts";
import { outputOf } from "../../scripts/shell/commands.ts";
import { until } from "../service.ts";

/** The directory of the stand-in; without it, these tests run on a real cluster. */
export const STAND_IN = process.env.THIMBLE_STAND_IN;

const tools = await clusterTools();

export type Ran = { status: number; output: string };

/** A namespace of a test, with the programs that work in it. */
export type Namespace = {
  name: string;
  /** @returns what it prints. @throws {CommandError} */
  kubectl: (...args: string[]) => Promise<string>;
  /** Ends with any exit code; the output is of both streams. */
  helm: (...args: string[]) => Promise<Ran>;
  /** Creates or replaces objects. */
  apply: (...objects: object[]) => Promise<void>;
  get: <T>(...args: string[]) => Promise<T>;
  remove: () => Promise<void>;
};

/** Creates an empty namespace. */
export async function openNamespace(subject: string): Promise<Namespace> {
  const name = `thimble-test-${subject}`;
  const kubectl = (...args: string[]) => outputOf(tools.kubectl, `--namespace=${name}`, ...args);
  await kubectl("create", "namespace", name);
  // A controller of a real cluster makes it a moment later, and no pod is taken without it.
  if (!STAND_IN) await kubectl("wait", "--for=create", "serviceaccount/default", "--timeout=30s");
  return {
    name,
    kubectl,
    helm: (...args) => runHelm([`--namespace=${name}`, ...args]),
    apply: (...objects) => apply(name, objects),
    get: async (...args) => JSON.parse(await kubectl("get", "--output=json", ...args)),
    remove: async () => {
      await kubectl("delete", "namespace", name, "--wait=false");
    },
  };
}

async function runHelm(args: readonly string[]): Promise<Ran> {
  const child = Bun.spawn(["sh", "-c", 'exec "$@" 2>&1', "sh", tools.helm, ...args], {
    stdout: "pipe",
  });
  const output = await new Response(child.stdout).text();
  return { output, status: await child.exited };
}

async function apply(namespace: string, objects: readonly object[]): Promise<void> {
  const documents = objects.map((object) => JSON.stringify(object)).join("\n---\n");
  const child = Bun.spawn([tools.kubectl, `--namespace=${namespace}`, "apply", "--filename=-"], {
    stdin: Buffer.from(documents),
    stdout: "pipe",
    stderr: "pipe",
  });
  if ((await child.exited) !== 0) throw new Error(await new Response(child.stderr).text());
}

/** The address of a node, at which the ports of Services of type NodePort are. */
export async function nodeAddress({ kubectl }: Namespace): Promise<string> {
  const path = '{.items[0].status.addresses[?(@.type=="InternalIP")].address}';
  return await kubectl("get", "nodes", `--output=jsonpath=${path}`);
}

const LIMIT_MS = 30_000;

/** Waits longer than for a process of this machine. An error means that it is not so yet. */
export function eventually(what: string, isSo: () => Promise<boolean>): Promise<void> {
  return until(what, () => isSo().catch(() => false), LIMIT_MS);
}
