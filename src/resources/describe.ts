import type { OpenAPIRegistry } from "@asteasolutions/zod-to-openapi";
import { z } from "@hono/zod-openapi";
import { KEY_PROBLEMS, keySecurity, NO_KEY } from "../auth/openapi.ts";
import { jsonContent, problems } from "../http/describe.ts";
import { headers } from "../http/described-headers.ts";
import { lazySchema } from "../validation.ts";
import { IDEMPOTENCY_KEY_HEADER, IDEMPOTENCY_KEY_PATTERN } from "./idempotency.ts";
import { LIMIT_MAX, listParameters } from "./list-query.ts";
import {
  inWords,
  type Resource,
  readScope,
  startOfSentence,
  titleOf,
  writeScope,
} from "./resource.ts";
import { changesSchema, entrySchema, exampleEntry, exampleInput, inputSchema } from "./schemas.ts";

/** Lists of entity tags, and cursors: no header and no URL is longer by default. */
const LONGEST_TEXT = { type: "string", maxLength: 8192 } as const;

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
  const title = titleOf(resource);
  const titleOfMany = titleOf({ ...resource, one: resource.name });
  // A schema that was made before the document's generator was loaded has no `openapi`, but its clone has.
  const entry = lazySchema(() => entrySchema(resource).clone().openapi(title));
  const input = lazySchema(() => inputSchema(resource).clone().openapi(`${title}Input`));
  const changes = lazySchema(() => changesSchema(resource).clone().openapi(`${title}Changes`));
  const page = lazySchema(() =>
    z.object({
      items: z.array(entry).openapi({ maxItems: LIMIT_MAX }),
      next_cursor: z.string().nullable().openapi({ maxLength: LONGEST_TEXT.maxLength }),
    }),
  );
  const example = exampleEntry(resource);
  const newExample = exampleInput(resource);
  const changedExample = Object.fromEntries(Object.entries(newExample).slice(0, 1));

  const tags = [tagOf(resource)];
  const read = { tags, security: isPublic ? NO_KEY : keySecurity(readScope(resource)) };
  const readProblems = isPublic ? [] : KEY_PROBLEMS;
  const write = { tags, security: keySecurity(writeScope(resource)) };

  const id = {
    name: "id",
    in: "path",
    required: true,
    description: `Which ${one}.`,
    schema: { type: "integer", format: "int64", minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    example: 1,
  } as const;
  const header = (name: string, description: string, schema: object = LONGEST_TEXT) =>
    ({ name, in: "header", description, schema }) as const;
  const preconditions = [
    header("If-Match", `The ETag that the ${one} must still have.`),
    header("If-None-Match", `An ETag that the ${one} must not have.`),
  ];
  const idempotencyKey = header(
    IDEMPOTENCY_KEY_HEADER,
    "Repeats with the same API key within 24 hours get the first answer again.",
    { type: "string", maxLength: 512, pattern: IDEMPOTENCY_KEY_PATTERN.source },
  );
  const body = (schema: z.ZodType, example: object) => ({
    body: { required: true, content: { "application/json": { schema, example } } },
  });

  registry.registerPath({
    ...read,
    method: "get",
    path: "/",
    operationId: `list${titleOfMany}`,
    summary: `List ${many}`,
    description: "A page of them. `next_cursor`, or the header Link, leads to the next page.",
    request: { query: listParameters(resource) },
    responses: {
      200: {
        ...jsonContent(page, `A page of ${many}; next_cursor is null on the last one`, {
          items: [example],
          next_cursor: null,
        }),
        headers: headers("Link", "Cache-Control"),
      },
      ...problems(400, ...readProblems, 429, 503),
    },
  });

  registry.registerPath({
    ...read,
    method: "get",
    path: "/{id}",
    operationId: `get${title}`,
    summary: `Get a ${one}`,
    description:
      "With the ETag of an earlier answer in If-None-Match, it is sent only if it has changed.",
    parameters: [id, ...preconditions],
    responses: {
      200: {
        ...jsonContent(entry, `The ${one}`, example),
        headers: headers("ETag", "Cache-Control"),
      },
      304: {
        description: `The ${one} still has the ETag of If-None-Match`,
        headers: headers("ETag", "Cache-Control"),
      },
      ...problems(...readProblems, 404, 412, 429, 503),
    },
  });

  registry.registerPath({
    ...write,
    method: "post",
    path: "/",
    operationId: `add${title}`,
    summary: `Add a ${one}`,
    description:
      "With an Idempotency-Key, it can be sent again after a failure without adding two.",
    parameters: [idempotencyKey],
    request: body(input, newExample),
    responses: {
      201: {
        ...jsonContent(entry, `The new ${one}`, example),
        headers: headers("Location", "ETag", "Idempotency-Replayed"),
      },
      ...problems(400, ...KEY_PROBLEMS, 413, 415, 422, 503),
    },
  });

  for (const method of ["put", "patch"] as const) {
    registry.registerPath({
      ...write,
      method,
      path: "/{id}",
      operationId: `${method}${title}`,
      summary: `Change the given fields of a ${one}`,
      description:
        "Fields that are left out stay as they are, with PUT as with PATCH. With If-Match, nobody else's " +
        "change is lost.",
      parameters: [id, ...preconditions],
      request: body(changes, changedExample),
      responses: {
        200: {
          ...jsonContent(entry, `The changed ${one}`, example),
          headers: headers("ETag"),
        },
        ...problems(400, ...KEY_PROBLEMS, 404, 412, 413, 415, 503),
      },
    });
  }

  registry.registerPath({
    ...write,
    method: "delete",
    path: "/{id}",
    operationId: `delete${title}`,
    summary: `Delete a ${one}`,
    description: "Its id is never used again.",
    parameters: [id, ...preconditions],
    responses: {
      204: { description: `The ${one} is gone` },
      ...problems(...KEY_PROBLEMS, 404, 412, 503),
    },
  });
}
