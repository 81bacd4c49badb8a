import type { ComponentsObject, SchemaObject } from "openapi3-ts/oas31";
import { MAX_ISSUES } from "../errors.ts";
import {
  COMMON_HEADERS,
  componentOf,
  PROBLEM_STATUSES,
  type Problem,
  type ProblemStatus,
  type StatusDescription,
} from "./describe.ts";
import { DESCRIBED_HEADERS, headers } from "./described-headers.ts";
import { REQUEST_ID_HEADER } from "./edge/request-id.ts";

const text = (maxLength: number, description: string) =>
  ({ type: "string", maxLength, description }) as const;

/** No schema of zod: nothing validates a problem, and services start sooner without one. */
const PROBLEM_MEMBERS: Record<keyof Problem, SchemaObject> = {
  type: text(255, "about:blank: the status says it."),
  title: text(255, "The name of the status."),
  status: { type: "integer", format: "int32", minimum: 400, maximum: 599 },
  detail: text(8192, "What is wrong, for people."),
  request_id: text(128, "Names the request in the log."),
  trace_id: text(32, "Names its trace."),
  success: { type: "boolean", const: false },
  error: text(255, "What is wrong, in a few words."),
  errors: {
    type: "array",
    maxItems: MAX_ISSUES,
    description: "Each mistake in the input.",
    items: {
      type: "object",
      properties: {
        path: text(8192, "The field, with dots between nested names."),
        message: text(8192, "What is wrong with it."),
      },
      required: ["path", "message"],
    },
  },
};
const OPTIONAL_MEMBERS = new Set(["trace_id", "errors"]);

/** What the descriptions of routes refer to, for the document: made at the start, it would take a millisecond. */
export function sharedComponents() {
  const statuses = Object.keys(PROBLEM_STATUSES).map(Number) as ProblemStatus[];
  // 405 is the answer to methods that are not described.
  const described = statuses.filter((status) => status !== 405);
  return {
    schemas: {
      Problem: {
        type: "object",
        properties: PROBLEM_MEMBERS,
        required: Object.keys(PROBLEM_MEMBERS).filter((name) => !OPTIONAL_MEMBERS.has(name)),
      },
    },
    headers: DESCRIBED_HEADERS,
    responses: Object.fromEntries(
      described.map((status) => [componentOf(status), describeProblem(status)]),
    ),
  } satisfies ComponentsObject;
}

function describeProblem(status: ProblemStatus) {
  const { meaning, headers: own = [] }: StatusDescription = PROBLEM_STATUSES[status];
  return {
    description: meaning,
    headers: headers(...own, "Cache-Control", ...COMMON_HEADERS),
    content: {
      "application/problem+json": {
        schema: { $ref: "#/components/schemas/Problem" },
        example: exampleOf(status),
      },
    },
  };
}

function exampleOf(status: ProblemStatus): Problem {
  const { title, example }: StatusDescription = PROBLEM_STATUSES[status];
  const { error, detail, errors } = example;
  return {
    type: "about:blank",
    title,
    status,
    detail,
    request_id: DESCRIBED_HEADERS[REQUEST_ID_HEADER].example,
    success: false,
    error,
    ...(errors && { errors: [...errors] }),
  };
}
