import type { TypedResponse } from "hono";
import type { MergeSchemaPath, Schema, ToSchema } from "hono/types";
import type { KEY_PROBLEMS } from "../auth/openapi.ts";
import type { ProblemResponse } from "../http/describe.ts";
import type { ChangesOf, EntryOf, InputOf, Resource } from "./resource.ts";

// What Hono's typed client knows of a resource's routes. It repeats in types what routes.ts does; the test
// of the client sends each of these requests.

type KeyProblem = (typeof KEY_PROBLEMS)[number];
type Answer<T, Status extends 200 | 201> = TypedResponse<T, Status, "json">;
type ReadProblem = KeyProblem | 503;
type WriteProblem = 400 | KeyProblem | 413 | 415 | 503;

type SortOf<R extends Resource> = "id" | "-id" | R["sort"][number] | `-${R["sort"][number]}`;

/** Every parameter is a text, as it stands in the URL. */
type ListParameters<R extends Resource> = {
  limit?: string;
  cursor?: string;
  sort?: SortOf<R>;
  q?: string;
} & { [Name in R["filter"][number]]?: string };

type Page<R extends Resource> = { items: EntryOf<R>[]; next_cursor: string | null };
type Id = { param: { id: string } };

/** The routes of a resource, relative to where they are mounted. */
export type ResourceSchema<R extends Resource> = ToSchema<
  "get",
  "/",
  { query: ListParameters<R> },
  Answer<Page<R>, 200> | ProblemResponse<400 | ReadProblem>
> &
  ToSchema<
    "post",
    "/",
    { json: InputOf<R> },
    Answer<EntryOf<R>, 201> | ProblemResponse<WriteProblem | 422>
  > &
  ToSchema<"get", "/:id", Id, Answer<EntryOf<R>, 200> | ProblemResponse<404 | 412 | ReadProblem>> &
  ToSchema<
    "put" | "patch",
    "/:id",
    Id & { json: ChangesOf<R> },
    Answer<EntryOf<R>, 200> | ProblemResponse<WriteProblem | 404 | 412>
  > &
  ToSchema<
    "delete",
    "/:id",
    Id,
    TypedResponse<null, 204, "body"> | ProblemResponse<KeyProblem | 404 | 412 | 503>
  >;

type Both<Union> = (Union extends unknown ? (each: Union) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never;

type Mounted<R extends Resource> = R extends unknown
  ? MergeSchemaPath<ResourceSchema<R>, `/${R["name"]}`> &
      MergeSchemaPath<ResourceSchema<R>, `/api/v1/${R["name"]}`>
  : never;

/** The routes of a list of resources, where the service mounts them. */
export type ResourcesSchema<R extends readonly Resource[]> =
  Both<Mounted<R[number]>> extends infer All extends Schema ? All : never;
