import { isDeepStrictEqual } from "node:util";
import type { Manifest } from "../../scripts/manifests/manifest.ts";

type Labels = Readonly<Record<string, string>>;
type Selector = {
  matchLabels?: Labels;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
};
type Peer = {
  podSelector?: Selector;
  namespaceSelector?: Selector;
  ipBlock?: { cidr: string; except?: string[] };
};
type Rule = {
  from?: Peer[];
  to?: Peer[];
  ports?: { protocol?: string; port?: number | string }[];
};
type Pod = { namespace: Labels; labels: Labels };
type Request = {
  direction: "Ingress" | "Egress";
  pod: Pod;
  peer: Pod | { ip: string };
  port: number | string;
  protocol: "TCP" | "UDP";
};

/**
 * Whether policies let a connection of a pod through, as a cluster's network would decide
 * (https://kubernetes.io/docs/concepts/services-networking/network-policies/). Named ports are compared by name.
 */
export function allows(policies: readonly Manifest[], request: Request): boolean {
  const { direction, pod } = request;
  const mine = policies.filter(
    ({ spec }) => spec.policyTypes.includes(direction) && matches(spec.podSelector, pod.labels),
  );
  if (mine.length === 0) return true;
  const rules = mine.flatMap(
    ({ spec }): Rule[] => spec[direction === "Ingress" ? "ingress" : "egress"] ?? [],
  );
  return rules.some((rule) => admits(rule, request));
}

function admits(rule: Rule, { direction, pod, peer, port, protocol }: Request): boolean {
  const peers = direction === "Ingress" ? rule.from : rule.to;
  const fitsPort =
    rule.ports === undefined ||
    rule.ports.some(
      (each) => (each.protocol ?? "TCP") === protocol && (each.port ?? port) === port,
    );
  // An empty list is everybody, just as a missing one.
  return fitsPort && (!peers?.length || peers.some((each) => isPeer(each, peer, pod)));
}

function isPeer(allowed: Peer, peer: Request["peer"], pod: Pod): boolean {
  if ("ip" in peer) return allowed.ipBlock !== undefined && contains(allowed.ipBlock.cidr, peer.ip);
  if (allowed.ipBlock) return false;
  const inNamespace = allowed.namespaceSelector
    ? matches(allowed.namespaceSelector, peer.namespace)
    : isDeepStrictEqual(peer.namespace, pod.namespace);
  return inNamespace && matches(allowed.podSelector ?? {}, peer.labels);
}

function matches({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator !== "In") throw new Error(`the operator ${operator} is unknown here`);
      return values.includes(labels[key] ?? "");
    })
  );
}

const numberOf = (ip: string) => ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

function contains(cidr: string, ip: string): boolean {
  const [network = "", bits = "32"] = cidr.split("/");
  const size = 2 ** (32 - Number(bits));
  return Math.floor(numberOf(network) / size) === Math.floor(numberOf(ip) / size);
}
