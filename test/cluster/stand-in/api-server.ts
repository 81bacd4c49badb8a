import type { Server, ServerWebSocket } from "bun";
import { removeObject } from "./deletion.ts";
import { discover } from "./discovery.ts";
import { EXEC_PROTOCOL, type ExecSocket, execCommand } from "./exec.ts";
import { apiVersionOf, KINDS, type Kind } from "./kinds.ts";
import { mergePatch } from "./merge-patch.ts";
import type { KubeObject, Labels, Pod } from "./objects.ts";
import { decodeSecret } from "./protobuf.ts";
import { parseFieldSelector, parseLabelSelector } from "./selectors.ts";
import type { NewObject, Place, Store } from "./store.ts";
import { watchChanges } from "./watch.ts";

/** What the API server needs of the node that runs the pods. */
export type Containers = {
  /** The id of a pod's container, running or ended; `undefined` if it has none yet. */
  containerOf: (pod: Pod) => string | undefined;
};

type Context = { store: Store; containers: Containers; audit: (line: string) => void };

/** What a path names. */
type Target = {
  kind: Kind;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
};

type Call = Target & { request: Request; query: URLSearchParams };

type NamedCall = Call & { place: Place };

type Answer = Response | Promise<Response>;

/** An answer other than the expected one, as clients of Kubernetes read it. */
class StatusError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** Answers helm and kubectl on a free port of this machine. */
export function startApiServer(context: Context): Server<ExecSocket> {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request, server) {
      try {
        return await answer(context, request, server);
      } catch (error) {
        return failure(error);
      }
    },
    websocket: {
      open: (socket: ServerWebSocket<ExecSocket>) => void execCommand(socket),
      message: () => {},
    },
  });
}

function failure(error: unknown): Response {
  const { code, reason } =
    error instanceof StatusError ? error : { code: 400, reason: "BadRequest" };
  const message = error instanceof Error ? error.message : String(error);
  const status = { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message };
  return Response.json(status, { status: code });
}

async function answer(
  context: Context,
  request: Request,
  server: Server<ExecSocket>,
): Promise<Response | undefined> {
  const { pathname, searchParams: query } = new URL(request.url);
  const discovered = discover(pathname);
  if (discovered) return Response.json(discovered);
  const target = parsePath(pathname);
  if (!target) throw new StatusError(404, "NotFound", `the stand-in has no ${pathname}`);
  const call = { ...target, request, query };
  if (call.subresource === "exec") return upgradeToExec(context, named(call), server);
  return await handlerOf(call)(context, call);
}

/** Of `/api/v1/namespaces/NAMESPACE/PLURAL/NAME/SUBRESOURCE`, or with `/apis/GROUP/VERSION` at its start. */
function parsePath(path: string): Target | undefined {
  const [root, ...rest] = path.slice(1).split("/");
  const group = root === "apis" ? rest.shift() : "";
  const version = rest.shift();
  // A namespace is an object itself, too.
  const namespace = rest[0] === "namespaces" && rest.length > 2 ? rest.splice(0, 2)[1] : undefined;
  const [plural, name, subresource] = rest;
  const kind = KINDS.find(
    (each) => each.group === group && each.version === version && each.plural === plural,
  );
  return kind && { kind, namespace, name, subresource };
}

function handlerOf(call: Call): (context: Context, call: Call) => Answer {
  const { method } = call.request;
  const withName = (handle: (context: Context, call: NamedCall) => Answer) => (context: Context) =>
    handle(context, named(call));
  if (call.subresource === "scale") return withName(method === "GET" ? readScale : changeScale);
  if (call.subresource === "log" && method === "GET") return withName(readLog);
  if (call.subresource) {
    throw new StatusError(404, "NotFound", `the stand-in has no subresource ${call.subresource}`);
  }
  if (method === "GET") return call.name === undefined ? listOrWatch : withName(read);
  if (method === "POST") return create;
  if (method === "PUT") return withName(replace);
  if (method === "PATCH") return withName(patch);
  if (method === "DELETE") return withName(remove);
  throw new StatusError(405, "MethodNotAllowed", `the stand-in takes no ${method}`);
}

function named(call: Call): NamedCall {
  if (call.name === undefined) throw new StatusError(405, "MethodNotAllowed", "name an object");
  return { ...call, place: { namespace: call.namespace, name: call.name } };
}

function find({ store }: Context, { kind, place }: NamedCall): KubeObject {
  const object = store.get(kind.kind, place);
  if (object) return object;
  throw new StatusError(404, "NotFound", `${kind.plural} "${place.name}" not found`);
}

function read(context: Context, call: NamedCall): Response {
  return Response.json(find(context, call));
}

function listOrWatch({ store }: Context, { kind, namespace, query }: Call): Response {
  const byLabels = parseLabelSelector(query.get("labelSelector") ?? "");
  const byFields = parseFieldSelector(query.get("fieldSelector") ?? "");
  const isAsked = (object: KubeObject) =>
    byLabels(object) &&
    byFields(object) &&
    (namespace === undefined || object.metadata.namespace === namespace);
  const items = store.list(kind.kind, namespace).filter(isAsked);
  if (/^(1|true)$/.test(query.get("watch") ?? "")) {
    return watchChanges(store, { kind, query, items, isAsked });
  }
  return Response.json({
    kind: `${kind.kind}List`,
    apiVersion: apiVersionOf(kind),
    metadata: { resourceVersion: `${store.version()}` },
    items,
  });
}

async function bodyOf(request: Request): Promise<unknown> {
  if (request.headers.get("content-type")?.includes("protobuf")) {
    return decodeSecret(new Uint8Array(await request.arrayBuffer()));
  }
  const text = await request.text();
  // What is applied may be YAML, of which JSON is a part; JSON's own parser is faster.
  return text.startsWith("{") ? JSON.parse(text) : Bun.YAML.parse(text);
}

async function create(context: Context, call: Call) {
  const { store } = context;
  const { kind, namespace, request } = call;
  const sent = (await bodyOf(request)) as NewObject;
  requireNamespace(store, kind, namespace);
  const object = inNamespace(sent, namespace);
  if (store.get(kind.kind, object.metadata)) {
    const message = `${kind.plural} "${object.metadata.name}" already exists`;
    throw new StatusError(409, "AlreadyExists", message);
  }
  return Response.json(save(context, call, object), { status: 201 });
}

function requireNamespace(store: Store, kind: Kind, namespace: string | undefined): void {
  if (!kind.namespaced || (namespace && store.get("Namespace", { name: namespace }))) return;
  throw new StatusError(404, "NotFound", `namespaces "${namespace}" not found`);
}

function inNamespace(object: NewObject, namespace: string | undefined): NewObject {
  return { ...object, metadata: { ...object.metadata, ...(namespace && { namespace }) } };
}

function save({ store, audit }: Context, call: Call, object: NewObject): NewObject {
  if (call.query.has("dryRun")) return object;
  audit(auditLine(call, object));
  return store.put(call.kind.kind, call.kind.kind === "Secret" ? encoded(object) : object);
}

/** The texts of a Secret become a part of its data. */
function encoded({ stringData = {}, ...secret }: NewObject): NewObject {
  const texts = Object.entries(stringData as Labels).map(([name, text]) => [
    name,
    Buffer.from(text).toString("base64"),
  ]);
  return { ...secret, data: { ...(secret.data as Labels), ...Object.fromEntries(texts) } };
}

/** The method, the kind, and where the object is. */
function auditLine({ request, kind }: Call, { metadata }: NewObject | KubeObject): string {
  return `${request.method} ${kind.kind} ${metadata.namespace ?? ""}/${metadata.name}`;
}

async function replace(context: Context, call: NamedCall): Promise<Response> {
  const { resourceVersion } = find(context, call).metadata;
  const object = inNamespace((await bodyOf(call.request)) as NewObject, call.namespace);
  const based = object.metadata.resourceVersion ?? resourceVersion;
  if (based !== resourceVersion) {
    const message = `${call.kind.plural} "${call.place.name}" has been modified`;
    throw new StatusError(409, "Conflict", message);
  }
  return Response.json(save(context, call, object));
}

async function patch(context: Context, call: NamedCall): Promise<Response> {
  const { store } = context;
  const type = call.request.headers.get("content-type") ?? "";
  const isApply = type.includes("apply-patch");
  const old = isApply ? store.get(call.kind.kind, call.place) : find(context, call);
  const body = await bodyOf(call.request);
  if (isApply) requireNamespace(store, call.kind, call.namespace);
  // Lists with keys, which a strategic merge patch merges, are replaced here: Helm 4 applies instead.
  const patched = isApply ? applied(old, body as NewObject) : (mergePatch(old, body) as NewObject);
  const object = inNamespace(patched, call.namespace);
  const saved = save(context, call, object);
  return Response.json(saved, { status: old ? 200 : 201 });
}

/** As for the one who manages all fields; the number of pods stays as it is where another one scales. */
function applied(old: KubeObject | undefined, body: NewObject): NewObject {
  const { replicas } = (old?.spec ?? {}) as { replicas?: number };
  if (replicas === undefined || typeof body.spec !== "object") return body;
  return { ...body, spec: { replicas, ...body.spec } };
}

async function remove(context: Context, call: NamedCall): Promise<Response> {
  const object = find(context, call);
  const seconds = (await graceOf(call.request)) ?? call.query.get("gracePeriodSeconds");
  if (!call.query.has("dryRun")) {
    context.audit(auditLine(call, object));
    const grace = seconds === null ? undefined : Number(seconds);
    removeObject(context.store, call.kind.kind, object, grace);
  }
  const details = { name: call.place.name, kind: call.kind.plural, uid: object.metadata.uid };
  return Response.json({ kind: "Status", apiVersion: "v1", status: "Success", details });
}

/** Helm's options for its Secrets are in protobuf, and name no time. */
async function graceOf(request: Request): Promise<number | undefined> {
  const isJson = request.headers.get("content-type")?.includes("json");
  return isJson ? (await request.json()).gracePeriodSeconds : undefined;
}

type Scaled = KubeObject & { spec: { replicas?: number } };

function readScale(context: Context, call: NamedCall): Response {
  return Response.json(scaleOf(find(context, call) as Scaled));
}

async function changeScale(context: Context, call: NamedCall): Promise<Response> {
  const workload = find(context, call) as Scaled;
  const { spec } = mergePatch(scaleOf(workload), await bodyOf(call.request)) as Scaled;
  const scaled = { ...workload, spec: { ...workload.spec, ...spec } };
  return Response.json(scaleOf(save(context, call, scaled) as Scaled));
}

function scaleOf({ metadata, spec }: Scaled) {
  const { name, namespace, uid, resourceVersion } = metadata;
  return {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: { name, namespace, uid, resourceVersion },
    spec: { replicas: spec.replicas ?? 1 },
  };
}

function containerOf(context: Context, call: NamedCall): string {
  const id = context.containers.containerOf(find(context, call) as Pod);
  if (id !== undefined) return id;
  throw new StatusError(400, "BadRequest", `pod ${call.place.name} has no container yet`);
}

function readLog(context: Context, call: NamedCall): Response {
  const follow = call.query.get("follow") === "true" ? ["--follow"] : [];
  const lines = call.query.get("tailLines");
  const tail = lines === null ? [] : [`--tail=${lines}`];
  const id = containerOf(context, call);
  const command = ["sh", "-c", 'exec docker logs "$@" 2>&1', "sh", ...follow, ...tail, id];
  const { stdout } = Bun.spawn(command, { stdout: "pipe" });
  return new Response(stdout, { headers: { "Content-Type": "text/plain" } });
}

function upgradeToExec(context: Context, call: NamedCall, server: Server<ExecSocket>) {
  const data = { container: containerOf(context, call), command: call.query.getAll("command") };
  const headers = { "Sec-WebSocket-Protocol": EXEC_PROTOCOL };
  if (server.upgrade(call.request, { data, headers })) return undefined;
  throw new StatusError(400, "BadRequest", "exec needs a WebSocket");
}
