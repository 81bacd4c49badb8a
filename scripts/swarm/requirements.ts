import { statSync } from "node:fs";
import { join } from "node:path";
import { docker } from "../shell/commands.ts";
import { list } from "./swarm.ts";

/** Swarm's own limit. */
const MAX_SECRET_BYTES = 500 * 1024;

/** The secrets of a stack, each with the file that has it, and how to make one. */
export const SECRETS = {
  api_keys: "thimble key new NAME --scope SCOPE >> FILE (docs/keys.md)",
  db_password: "openssl rand -hex 32 > FILE",
} as const;

export type SecretName = keyof typeof SECRETS;

/** Labels of nodes, and which part of the stack runs on those that have them. */
const LABELS: Record<string, string> = {
  "thimble.database": "PostgreSQL and its backups",
  "thimble.proxy": "Caddy",
};
/** The volume of the database is on one node, and on another the database would be empty. */
const ONLY_ONE = "thimble.database";

/** @throws {Error} with every reason for which a deployment could not work, before anything is deployed. */
export async function requireDeployable(image: string | undefined, directory: string) {
  await requireManager();
  const problems = [
    ...imageProblems(image),
    ...Object.keys(SECRETS).flatMap((name) => secretProblems(name as SecretName, directory)),
    ...(await labelProblems()),
  ];
  if (problems.length > 0) {
    throw new Error(`nothing was deployed:\n${problems.map((each) => `- ${each}`).join("\n")}`);
  }
}

async function requireManager(): Promise<void> {
  const format = "--format={{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}";
  const [state, isManager] = (await docker("info", format)).split(" ");
  if (state !== "active") {
    throw new Error(`this engine is in no swarm (${state}); make one: docker swarm init`);
  }
  if (isManager !== "true") {
    throw new Error(
      "this node is a worker; run this on a manager, or with DOCKER_HOST=ssh://MANAGER",
    );
  }
}

function imageProblems(image = ""): string[] {
  const expected =
    "expected one with the tag of a release or a digest, such as NAME:1.2.3-standard";
  const [, tag, digest] = /^[^@]+?(?::([\w.-]+))?(@sha256:[0-9a-f]{64})?$/.exec(image) ?? [];
  if (digest || (tag && tag !== "latest")) return [];
  const received = image === "" ? "is not set" : `is "${image}"`;
  const why =
    tag === "latest" ? ", which is another release tomorrow, and no rollback leads back" : "";
  return [`THIMBLE_IMAGE ${received}${why}; ${expected}`];
}

function secretProblems(name: SecretName, directory: string): string[] {
  const path = join(directory, name);
  const file = statSync(path, { throwIfNoEntry: false });
  const make = SECRETS[name].replace("FILE", path);
  if (!file) return [`there is no ${path}; make it: ${make}`];
  if (!file.isFile()) return [`${path} is no file; make one: ${make}`];
  if (file.size === 0) return [`${path} is empty; make it: ${make}`];
  if (file.size <= MAX_SECRET_BYTES) return [];
  return [`${path} has ${file.size} bytes; a secret of Swarm has at most ${MAX_SECRET_BYTES}`];
}

async function labelProblems(): Promise<string[]> {
  const problems = Object.entries(LABELS).map(async ([label, runs]) => {
    const nodes = await nodesWith(`--filter=node.label=${label}=true`);
    if (nodes.length === 1 || (nodes.length > 1 && label !== ONLY_ONE)) return [];
    if (nodes.length > 1) {
      return [
        `${nodes.length} nodes have the label ${label} (${nodes.join(", ")}), and the data is on one; ` +
          `docker node update --label-rm ${label} NODE, for the others`,
      ];
    }
    return [
      `no node has the label ${label}, where ${runs} would run; ` +
        `docker node update --label-add ${label}=true NODE, with one of ${(await nodesWith()).join(", ")}`,
    ];
  });
  return (await Promise.all(problems)).flat();
}

function nodesWith(...filters: string[]): Promise<string[]> {
  return list("node", "ls", "--format={{.Hostname}}", ...filters);
}
