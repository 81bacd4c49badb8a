import { join } from "node:path";
import { docker } from "../../scripts/shell/commands.ts";
import { until } from "../container/container.ts";
import { RUN, tagOf } from "../container/images.ts";
import { buildFrom } from "../container/stand-ins.ts";
import { newDirectory } from "../service.ts";
import { type Engine, engineAt } from "./engine.ts";

/** The proxy's port in its node. */
export const PROXY_PORT = "8080";

export type Node = { name: string; engine: Engine };

/** A swarm of machines, each of which is a container with an engine of its own, with deploy/swarm/daemon.json. */
export async function openNodes(images: Record<string, readonly string[]>) {
  await buildFrom("node", {
    Dockerfile: `FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends docker.io iptables
COPY daemon.json /etc/docker/
# Not an overlay of an overlay, which Linux refuses.
VOLUME /var/lib/docker
CMD ["dockerd", "--host=unix:///run/node/docker.sock"]
`,
    "daemon.json": await Bun.file(join(import.meta.dir, "../../deploy/swarm/daemon.json")).text(),
  });
  const network = `${RUN}-nodes`;
  await docker("network", "create", `--label=${RUN}`, network);
  const names = Object.keys(images);
  const nodes = await Promise.all(
    names.map((name) => startNode(name, network, images[name] ?? [])),
  );
  const [manager, ...workers] = nodes;
  if (!manager) throw new Error("There is no node.");
  await manager.engine.docker("swarm", "init", "--advertise-addr=eth0");
  const token = await manager.engine.docker("swarm", "join-token", "--quiet", "worker");
  for (const { engine } of workers) {
    await engine.docker("swarm", "join", `--token=${token}`, `${manager.name}:2377`);
  }
  const address = await docker("port", containerOf(manager.name), PROXY_PORT);
  return {
    nodes,
    /** Where this machine reaches the proxy of the first node. */
    port: Number(address.split("\n")[0]?.split(":").at(-1)),
    /** Ends a node as a loss of power would. */
    kill: ({ name }: Node) => docker("kill", containerOf(name)),
    /** Runs a command in a node, next to its containers. */
    inNode: ({ name }: Node, ...command: string[]) => docker("exec", containerOf(name), ...command),
    remove: async () => {
      await docker("rm", "--force", "--volumes", ...names.map(containerOf));
      await docker("network", "rm", network);
    },
  };
}

const containerOf = (name: string) => `${RUN}-${name}`;

async function startNode(name: string, network: string, images: readonly string[]): Promise<Node> {
  const directory = newDirectory();
  await docker(
    ...["run", "--detach", "--privileged", `--label=${RUN}`, `--name=${containerOf(name)}`],
    ...[`--hostname=${name}`, `--network=${network}`, `--network-alias=${name}`],
    ...[`--volume=${directory}:/run/node`, `--publish=127.0.0.1::${PROXY_PORT}`, tagOf("node")],
  );
  const address = `unix://${directory}/docker.sock`;
  const engine = engineAt(address);
  await until(`the engine of ${name}`, async () => (await engine.docker("version")) !== "");
  await copyImages(images, address);
  return { name, engine };
}

async function copyImages(images: readonly string[], address: string): Promise<void> {
  const script = 'address=$1; shift; docker save "$@" | docker --host="$address" load --quiet';
  const command = ["sh", "-c", script, "sh", address, ...images];
  const { exitCode, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`the images were not copied: ${stderr}`);
}
