import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { utf8Bytes } from "../encoding.ts";
import { answerJson, answerJsonText } from "../http/answer.ts";
import type { AppEnv } from "../http/env.ts";
import { parsedJson } from "../http/middleware/json-body.ts";
import { ANSWER_BYTES } from "../http/middleware/memory-budget.ts";
import { referenceBelow } from "../http/paths.ts";
import { validate } from "../validation.ts";
import { encodeCursor } from "./cursor.ts";
import { describeResource } from "./describe.ts";
import { entityTag, ifMatchHolds, ifNoneMatchNames } from "./entity-tag.ts";
import { entryChanged, entryNotFound, requireEntry } from "./errors.ts";
import { idempotencyKey } from "./idempotency.ts";
import { listQueryParser } from "./list-query.ts";
import type { Entry, Resource } from "./resource.ts";
import type { ResourceSchema } from "./route-types.ts";
import { changesSchema, inputSchema } from "./schemas.ts";
import type { OperationLimits, Precondition, Store } from "./store.ts";

type ResourceRoutesDeps = {
  store: Store;
  /** Guards the routes that read; without it they are open. */
  readAccess?: MiddlewareHandler | undefined;
  /** Guards the routes that write. */
  writeAccess: MiddlewareHandler;
  /** Reads a request's body (see json-body.ts). */
  receiveJson: MiddlewareHandler;
};

type Handler = (c: Context<AppEnv>) => Promise<Response>;

/** The entries of a resource, to be mounted at any path. */
export function resourceRoutes<R extends Resource>(resource: R, deps: ResourceRoutesDeps) {
  const { store, readAccess, writeAccess, receiveJson } = deps;
  const app = new OpenAPIHono<AppEnv, ResourceSchema<R>>();
  const parseListQuery = listQueryParser(resource);
  // Of all headers with keys, caches know only Authorization (RFC 9111 section 3.5), so this says that they
  // must not share. Whatever they keep, they ask for again, which may be answered by a 304.
  const caching = { "Cache-Control": readAccess ? "private, no-cache" : "no-cache" };

  const list: Handler = async (c) => {
    const { findsNothing, ...query } = parseListQuery(c.req.queries());
    const limits = { deadline: c.get("request")?.deadline };
    const entries = findsNothing
      ? []
      : await store.list({ ...query, limit: query.limit + 1 }, limits);
    const { items, json } = pageThatFits(entries.slice(0, query.limit));
    const last = entries.length > items.length ? items.at(-1) : undefined;
    const cursor = last ? encodeCursor(last, query) : null;
    const headers = cursor === null ? caching : { ...caching, Link: nextLink(c, cursor) };
    const body = `{"items":${json},"next_cursor":${JSON.stringify(cursor)}}`;
    return answerJsonText(c, body, 200, headers);
  };

  const get: Handler = async (c) => {
    const entry = await requireStored(parseId(c), c);
    const tag = entityTag(entry);
    if (!ifMatchHolds(c.req.header("If-Match"), tag)) throw entryChanged(resource, entry.id);
    if (ifNoneMatchNames(c.req.header("If-None-Match"), tag)) {
      return c.body(null, 304, { ETag: tag, ...caching });
    }
    return answerJson(c, entry, 200, { ETag: tag, ...caching });
  };

  const create: Handler = async (c) => {
    const input = validate(inputSchema(resource), await parsedJson(c));
    const { entry, replayed } = await store.create(input, idempotencyKey(c), await writeLimits(c));
    return answerJson(c, entry, 201, {
      Location: referenceBelow(c, String(entry.id)),
      ETag: entityTag(entry),
      ...(replayed && { "Idempotency-Replayed": "true" }),
    });
  };

  const update: Handler = async (c) => {
    const id = parseId(c);
    const changes = validate(changesSchema(resource), await parsedJson(c));
    const entry = await store.update(id, changes, await precondition(id, c), await writeLimits(c));
    return answerJson(c, entry, 200, { ETag: entityTag(entry) });
  };

  const remove: Handler = async (c) => {
    const id = parseId(c);
    await store.delete(id, await precondition(id, c), await writeLimits(c));
    return c.body(null, 204);
  };

  /** @throws {DomainError} `entry_not_found` for what is no positive integer: there is no such entry. */
  function parseId(c: Context): number {
    const text = c.req.param("id") ?? "";
    const id = Number(text);
    if (!/^[1-9]\d*$/.test(text) || !Number.isSafeInteger(id)) throw entryNotFound(resource, text);
    return id;
  }

  const requireStored = async (id: number, c: Context<AppEnv>) =>
    requireEntry(resource, id, await store.get(id, { deadline: c.get("request")?.deadline }));

  /**
   * The state that the store has to find the entry in, if the request names one. Checking the tag here
   * and the state there leaves no gap: between the two, the entry may only change into another state. That
   * is none of those which `If-None-Match` names, for no state comes again.
   *
   * @throws {DomainError} `entry_not_found`, or `precondition_failed` (RFC 9110 section 13.2.2).
   */
  async function precondition(id: number, c: Context<AppEnv>): Promise<Precondition | undefined> {
    const ifMatch = c.req.header("If-Match")?.trim();
    const ifNoneMatch = c.req.header("If-None-Match");
    if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
    const entry = await requireStored(id, c);
    const tag = entityTag(entry);
    if (!ifMatchHolds(ifMatch, tag)) throw entryChanged(resource, id);
    if (ifNoneMatchNames(ifNoneMatch, tag)) throw entryChanged(resource, id);
    return ifMatch === undefined || ifMatch === "*" ? undefined : { updatedAt: entry.updated_at };
  }

  const reading = readAccess ? [readAccess] : [];
  const writing = [writeAccess, receiveJson];
  app.on("GET", ["/"], ...reading, list);
  app.on("GET", ["/:id"], ...reading, get);
  app.on("POST", ["/"], ...writing, create);
  // PUT changes what it is given, as PATCH does: clients of the original API send it with one field.
  app.on(["PUT", "PATCH"], ["/:id"], ...writing, update);
  app.on("DELETE", ["/:id"], writeAccess, remove);
  describeResource(app.openAPIRegistry, resource, { isPublic: readAccess === undefined });
  return app;
}

/**
 * A change is not made for a client that can no longer be told so. On Bun, that includes the connections on
 * which more bytes arrived after the request than the server understands: it closes them at once.
 */
async function writeLimits(c: Context<AppEnv>): Promise<OperationLimits> {
  await c.env?.settled?.();
  return { deadline: c.get("request")?.deadline, signal: c.req.raw.signal };
}

/**
 * The entries of a page, or only the first of them: what waits for slow clients has a limit. The cursor leads to the
 * others.
 */
function pageThatFits(items: readonly Entry[]): { items: readonly Entry[]; json: string } {
  const json = JSON.stringify(items);
  // A character has at most three bytes, so most pages need not be counted.
  const bytes = json.length * 3 <= ANSWER_BYTES ? 0 : utf8Bytes(json);
  if (bytes <= ANSWER_BYTES || items.length === 1) return { items, json };
  const fitting = Math.floor((items.length * ANSWER_BYTES) / bytes);
  return pageThatFits(items.slice(0, Math.max(1, fitting)));
}

/** The link to the next page (RFC 8288), relative to this one, with all its parameters. */
function nextLink(c: Context, cursor: string): string {
  const parameters = new URLSearchParams(c.req.query());
  parameters.set("cursor", cursor);
  return `<?${parameters}>; rel="next"`;
}
