import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler, TypedResponse } from "hono";
import { z } from "zod";
import { KEY_PROBLEMS, keySecurity, NO_KEY } from "../auth/openapi.ts";
import { DomainError, invalidInput, shortName } from "../errors.ts";
import { answerJson } from "../http/answer.ts";
import {
  jsonContent,
  line,
  type ProblemResponse,
  problems,
  writtenTime,
} from "../http/describe.ts";
import type { AppEnv } from "../http/env.ts";
import { parsedJson } from "../http/middleware/json-body.ts";
import { type Clock, timestamp } from "../time.ts";
import { lazySchema, toIssues } from "../validation.ts";
import type { Action, Answer, Command } from "./action.ts";
import { echo } from "./actions/echo.ts";
import { validateIp } from "./actions/validate-ip.ts";
import { exactNumbers } from "./exact-numbers.ts";

/** Every action. A new one is a new file and an entry here. */
const ACTIONS = [echo, validateIp] as const;
type KnownAction = (typeof ACTIONS)[number];

type ProcessDeps = {
  clock: Clock;
  requireKey: MiddlewareHandler;
  /** Reads the request's body (see json-body.ts). */
  receiveJson: MiddlewareHandler;
};

/** `POST /process` runs an action; `GET /process` lists them. */
export function processRoutes({ clock, requireKey, receiveJson }: ProcessDeps) {
  const app = new OpenAPIHono<AppEnv>();

  describeRoutes(app);

  return app
    .get("/process", (c) => answerJson(c, { actions: ACTIONS.map(describeAction) }, 200))
    .post("/process", requireKey, receiveJson, readCommand, (c): ProcessResponse => {
      const { action: name, ...members } = c.req.valid("json");
      const action = findAction(name);
      const result = action.run(parseInput(action, members));
      const answer = { success: true, action: action.name, ...result, timestamp: timestamp(clock) };
      return answerJson(c, answer as Answer<KnownAction>, 200);
    });
}

/** For typed clients: the route's input, and its handler's input, which is not validated. */
type ReadCommand = MiddlewareHandler<
  AppEnv,
  string,
  { in: { json: Command<KnownAction> }; out: { json: Record<string, unknown> } }
>;

/** For typed clients, which tell the actions' answers apart by `action`. */
type ProcessResponse =
  | TypedResponse<Answer<KnownAction>, 200, "json">
  | ProblemResponse<400 | (typeof KEY_PROBLEMS)[number] | 413 | 415 | 503>;

const readCommand: ReadCommand = async (c, next) => {
  c.req.addValidatedData("json", await readMembers(c));
  await next();
};

async function readMembers(c: Context): Promise<Record<string, unknown>> {
  const body = await parsedJson(c, exactNumbers);
  if (body === null) throw new DomainError("no_data", "The request body is null.");
  if (typeof body !== "object" || Array.isArray(body)) {
    throw invalidInput([{ path: "", message: "Expected a JSON object" }]);
  }
  return body as Record<string, unknown>;
}

function findAction(name: unknown): Action {
  const known = `This service knows ${ACTIONS.map((action) => action.name).join(", ")}.`;
  if (name === undefined) throw badAction("Missing 'action' field", known);
  if (typeof name !== "string") {
    throw invalidInput([{ path: "action", message: "Expected a string" }]);
  }
  const action = ACTIONS.find((candidate) => candidate.name === name);
  if (!action) throw badAction(`Unknown action: ${shortName(name)}`, known);
  return action;
}

function badAction(summary: string, detail: string): DomainError {
  return new DomainError("invalid_input", detail, { summary });
}

/** If an input has wrong fields, the message of the first one is the summary. */
function parseInput(action: Action, members: Record<string, unknown>) {
  const parsed = action.input.safeParse(members);
  if (parsed.success) return parsed.data;
  const issues = toIssues(parsed.error);
  const field = parsed.error.issues.find((issue) => issue.code !== "unrecognized_keys");
  throw invalidInput(issues, field?.message);
}

/** The schema of the whole request body that asks for `action`. */
function commandSchema(action: Action) {
  return action.input.extend({ action: z.literal(action.name) });
}

function describeAction(action: KnownAction) {
  const { name, description } = action;
  // Its own type covers all JSON schemas, which is too large for a client or a declaration.
  const input: Record<string, unknown> = z.toJSONSchema(commandSchema(action), { io: "input" });
  return { name, description, input };
}

const anyCommandSchema = lazySchema(() => {
  const [first, ...others] = ACTIONS.map(commandSchema);
  return z.union([first ?? z.never(), ...others]);
});
const answerSchema = lazySchema(() =>
  z.looseObject({
    success: z.literal(true),
    action: z.enum(ACTIONS.map(({ name }) => name)),
    timestamp: writtenTime(),
  }),
);
const actionsSchema = lazySchema(() =>
  z.object({
    actions: z
      .array(
        z.object({
          name: line(),
          description: line(),
          input: z.record(z.string(), z.unknown()).meta({ description: "JSON Schema" }),
        }),
      )
      .meta({ maxItems: ACTIONS.length }),
  }),
);

/** Each action's example with what `of` makes of it, as the document has examples. */
function examples(of: (action: KnownAction) => object) {
  return Object.fromEntries(
    ACTIONS.map((action) => [action.name, { summary: action.description, value: of(action) }]),
  );
}

function exampleAnswer({ name, ...action }: Action) {
  const result = action.run(action.input.parse(action.example));
  return { success: true, action: name, ...result, timestamp: "2026-11-29T12:00:00.000Z" };
}

/**
 * The handlers above give better messages than a validator of the whole body, so they are described
 * separately.
 */
function describeRoutes(app: OpenAPIHono<AppEnv>): void {
  const registry = app.openAPIRegistry;
  const tags = ["Process"];
  registry.registerPath({
    method: "get",
    path: "/process",
    tags,
    security: NO_KEY,
    operationId: "listProcessActions",
    summary: "List the actions",
    description: "Each with the JSON Schema of its input.",
    responses: {
      200: jsonContent(actionsSchema, "Every action and its input", {
        actions: [{ name: echo.name, description: echo.description, input: { type: "object" } }],
      }),
    },
  });
  registry.registerPath({
    method: "post",
    path: "/process",
    tags,
    security: keySecurity("process"),
    operationId: "runProcessAction",
    summary: "Run an action",
    description: "`action` names it; the other members are its input.",
    request: {
      body: {
        required: true,
        content: {
          "application/json": {
            schema: anyCommandSchema,
            get examples() {
              return examples(({ name, example }) => ({ action: name, ...example }));
            },
          },
        },
      },
    },
    responses: {
      200: {
        description: "The action's result",
        content: {
          "application/json": {
            schema: answerSchema,
            // When the document is asked for: to run the actions takes longer than to start.
            get examples() {
              return examples(exampleAnswer);
            },
          },
        },
      },
      ...problems(400, ...KEY_PROBLEMS, 413, 415, 503),
    },
  });
}
