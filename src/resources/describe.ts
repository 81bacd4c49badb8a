import type { OpenAPIRegistry } from "@asteasolutions/zod-to-openapi";
import { z } from "@hono/zod-openapi";
import { KEY_PROBLEMS, keySecurity } from "../auth/openapi.ts";
import { jsonContent, problems } from "../http/describe.ts";
import { lazySchema } from "../validation.ts";
import { IDEMPOTENCY_KEY_HEADER, IDEMPOTENCY_KEY_PATTERN } from "./idempotency.ts";
import { listParameters } from "./list-query.ts";
import {
  inWords,
  type Resource,
  readScope,
  startOfSentence,
  titleOf,
  writeScope,
} from "./resource.ts";
import { changesSchema, entrySchema, inputSchema } from "./schemas.ts";

const TEXT = { type: "string" } as const;

/** `Reading lists` of `reading_lists`: the tag that the document groups a resource's routes by. */
export function tagOf({ name }: Resource): string {
  return startOfSentence(name);
}

/**
 * Describes the routes of a resource for the OpenAPI document. The schemas are made when the document is
 * asked for: made at the start, they take 6 ms.
 *
 * Headers and the id are described here and read by the handlers: there is nothing to validate.
 */
export function describeResource(
  registry: OpenAPIRegistry,
  resource: Resource,
  { isPublic }: { isPublic: boolean },
): void {
  const one = inWords(resource.one);
  const many = inWords(resource.name);
  const tags = [tagOf(resource)];
  const title = titleOf(resource);
  // A schema that was made before the document's generator was loaded has no `openapi`, but its clone has.
  const entry = lazySchema(() => entrySchema(resource).clone().openapi(title));
  const input = lazySchema(() => inputSchema(resource).clone().openapi(`${title}Input`));
  const changes = lazySchema(() => changesSchema(resource).clone().openapi(`${title}Changes`));
  const page = lazySchema(() =>
    z.object({ items: z.array(entry), next_cursor: z.string().nullable() }),
  );
  const header = (name: string, description: string, schema: object = TEXT) =>
    ({ name, in: "header", description, schema }) as const;

  const id = {
    name: "id",
    in: "path",
    required: true,
    schema: { type: "integer", minimum: 1 },
    example: 1,
  } as const;
  const ifMatch = header("If-Match", `The ETag that the ${one} must still have.`);
  const ifNoneMatch = header("If-None-Match", `An ETag that the ${one} must not have.`);
  const idempotencyKey = header(
    IDEMPOTENCY_KEY_HEADER,
    "Repeats with the same API key within 24 hours get the first answer again.",
    { ...TEXT, pattern: IDEMPOTENCY_KEY_PATTERN.source },
  );
  const etag = { schema: TEXT, required: true } as const;
  const location = {
    schema: TEXT,
    required: true,
    description: `Where the ${one} is, relative to the request.`,
  } as const;
  const link = {
    schema: TEXT,
    description: 'The next page, as rel="next" (RFC 8288), relative to this one.',
  } as const;

  const read = {
    tags,
    ...(!isPublic && { security: keySecurity(readScope(resource)) }),
  };
  const readProblems = isPublic ? [] : KEY_PROBLEMS;
  const write = { tags, security: keySecurity(writeScope(resource)) };
  const body = (schema: z.ZodType) => ({
    body: { required: true, content: { "application/json": { schema } } },
  });
  const answered = (description: string, headers: object = { ETag: etag }) => ({
    ...jsonContent(entry, description),
    headers: headers as { ETag: typeof etag },
  });

  registry.registerPath({
    ...read,
    method: "get",
    path: "/",
    summary: `List ${many}`,
    request: { query: listParameters(resource) },
    responses: {
      200: {
        ...jsonContent(page, `A page of ${many}; next_cursor is null on the last one`),
        headers: { Link: link },
      },
      ...problems(400, ...readProblems, 429, 503),
    },
  });

  registry.registerPath({
    ...read,
    method: "get",
    path: "/{id}",
    summary: `Get a ${one}`,
    parameters: [id, ifMatch, ifNoneMatch],
    responses: {
      200: answered(`The ${one}`),
      304: { description: `The ${one} still has the ETag of If-None-Match` },
      ...problems(...readProblems, 404, 412, 429, 503),
    },
  });

  registry.registerPath({
    ...write,
    method: "post",
    path: "/",
    summary: `Add a ${one}`,
    parameters: [idempotencyKey],
    request: body(input),
    responses: {
      201: answered(`The new ${one}`, { ETag: etag, Location: location }),
      ...problems(400, ...KEY_PROBLEMS, 413, 415, 422, 503),
    },
  });

  for (const method of ["put", "patch"] as const) {
    registry.registerPath({
      ...write,
      method,
      path: "/{id}",
      summary: `Change the given fields of a ${one}`,
      parameters: [id, ifMatch, ifNoneMatch],
      request: body(changes),
      responses: {
        200: answered(`The changed ${one}`),
        ...problems(400, ...KEY_PROBLEMS, 404, 412, 413, 415, 503),
      },
    });
  }

  registry.registerPath({
    ...write,
    method: "delete",
    path: "/{id}",
    summary: `Delete a ${one}`,
    parameters: [id, ifMatch, ifNoneMatch],
    responses: {
      204: { description: `The ${one} is gone` },
      ...problems(...KEY_PROBLEMS, 404, 412, 503),
    },
  });
}
