import { apiVersionOf, type Kind } from "./kinds.ts";
import type { KubeObject } from "./objects.ts";
import type { Change, Store } from "./store.ts";

type Watch = {
  kind: Kind;
  query: URLSearchParams;
  /** What there is now. */
  items: readonly KubeObject[];
  isAsked: (object: KubeObject) => boolean;
};

/** A line of JSON for each change, until the client closes the connection. */
export function watchChanges(store: Store, { kind, query, items, isAsked }: Watch): Response {
  const encoder = new TextEncoder();
  const sendsItems = query.get("sendInitialEvents") === "true";
  const since = sendsItems ? store.version() : Number(query.get("resourceVersion") || 0);
  let end = () => {};
  const lines = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (type: string, object: unknown) =>
        controller.enqueue(encoder.encode(`${JSON.stringify({ type, object })}\n`));
      if (sendsItems) {
        for (const item of items) send("ADDED", item);
        send("BOOKMARK", endOfItems(kind, store.version()));
      }
      end = store.watch(since, (change: Change) => {
        if (change.kind === kind.kind && isAsked(change.object)) send(change.type, change.object);
      });
    },
    cancel: () => end(),
  });
  return new Response(lines, { headers: { "Content-Type": "application/json" } });
}

function endOfItems(kind: Kind, version: number) {
  const annotations = { "k8s.io/initial-events-end": "true" };
  const metadata = { resourceVersion: `${version}`, annotations };
  return { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata };
}
