import { docker } from "../../../scripts/shell/commands.ts";

export type Network = {
  name: string;
  /** An address for one pod. None is given twice: what still knows an ended pod must not reach another one. */
  nextAddress: () => string;
};

/** Where the first pod is: its network's own address, and that of its gateway, come before. */
const FIRST = 2;
const SUBNET = "--format={{(index .IPAM.Config 0).Subnet}}";

const networks = new Map<string, Promise<Network>>();

/** Each namespace has a network, so that the names of its Services are its own. */
export function networkOf(namespace: string, run: string): Promise<Network> {
  const name = `${run}-${namespace}`;
  const network = networks.get(name) ?? createNetwork(name, run);
  networks.set(name, network);
  return network;
}

async function createNetwork(name: string, run: string): Promise<Network> {
  const create = ["network", "create", `--label=${run}`];
  // Addresses can only be chosen in a subnet that was chosen too: one that the engine found free.
  await docker(...create, name);
  const subnet = await docker("network", "inspect", SUBNET, name);
  await docker("network", "rm", name);
  await docker(...create, `--subnet=${subnet}`, name);
  let next = FIRST;
  return { name, nextAddress: () => addressIn(subnet, next++) };
}

/** The address at a distance from the first one of a subnet, such as 172.18.1.4 in 172.18.0.0/16. */
function addressIn(subnet: string, distance: number): string {
  const [first = ""] = subnet.split("/");
  const bytes = Buffer.from(first.split(".").map(Number));
  bytes.writeUInt32BE(bytes.readUInt32BE() + distance);
  return bytes.join(".");
}
