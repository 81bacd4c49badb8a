import { connect, createServer, type Server, type Socket } from "node:net";
import { containerOf } from "./container.ts";
import { isEnding } from "./deletion.ts";
import type { Pod, Service, ServicePort } from "./objects.ts";
import { isReady } from "./owned-pods.ts";
import { portOf } from "./probes.ts";
import { hasLabels } from "./selectors.ts";
import type { Store } from "./store.ts";

/** Every node of a real cluster hears of a change some time later too. */
const LAG_MS = 500;

type Endpoint = { host: string; port: number };

/** Opens a port of this machine for each port of Services of type NodePort: a connection goes to a ready pod. */
export function createServiceProxies(store: Store) {
  const proxies = new Map<string, Promise<Proxy>>();

  async function publish(service: Service, index: number): Promise<void> {
    const key = `${service.metadata.uid}/${index}`;
    if (!proxies.has(key)) proxies.set(key, openProxy());
    const proxy = await proxies.get(key);
    const port = service.spec.ports[index];
    if (!proxy || !port) return;
    store.update("Service", service, ({ spec }) => {
      const copy = spec.ports[index];
      if (copy) copy.nodePort = proxy.port;
    });
    const endpoints = endpointsOf(store, service, port);
    setTimeout(() => proxy.use(endpoints), LAG_MS);
  }

  return () => {
    for (const service of store.list("Service")) {
      if (service.spec.type !== "NodePort") continue;
      for (const index of service.spec.ports.keys()) void publish(service, index);
    }
  };
}

function endpointsOf(store: Store, service: Service, port: ServicePort): Endpoint[] {
  const { selector } = service.spec;
  const pods = store.list("Pod", service.metadata.namespace);
  const serves = (pod: Pod) =>
    selector && hasLabels(pod, selector) && isReady(pod) && !isEnding(pod);
  return pods.filter(serves).map((pod) => ({
    host: pod.status?.podIP ?? "",
    port: portOf(containerOf(pod), port.targetPort ?? port.port),
  }));
}

type Proxy = { port: number; use: (endpoints: readonly Endpoint[]) => void };

async function openProxy(): Promise<Proxy> {
  let endpoints: readonly Endpoint[] = [];
  let turn = 0;
  const server: Server = createServer({ noDelay: true, pauseOnConnect: true }, (client) => {
    const endpoint = endpoints[turn++ % endpoints.length];
    if (endpoint) join(client, connect({ ...endpoint, noDelay: true }));
    else client.resetAndDestroy();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    use: (next) => {
      endpoints = next;
    },
  };
}

function join(client: Socket, pod: Socket): void {
  client.pipe(pod).pipe(client);
  for (const [from, to] of [
    [client, pod],
    [pod, client],
  ] as const) {
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
  }
}
