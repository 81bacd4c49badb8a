import { z } from "zod";
import { eventually } from "./service.ts";

/** Bytes are hexadecimal in OTLP's JSON, unlike in that of other protocols, and not all 0. */
const id = (digits: number) => z.string().regex(new RegExp(`^(?!0+$)[0-9a-f]{${digits}}$`));

/** 64 bits do not fit into a number of JSON, so they are a string. */
const uint64 = z.string().regex(/^(0|[1-9]\d{0,19})$/);
const int64 = z.union([z.string().regex(/^-?\d{1,19}$/), z.int()]);
const uint32 = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);
const base64 = z.base64();

const simpleValue = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: int64 }),
  z.strictObject({ doubleValue: z.number() }),
  z.strictObject({ bytesValue: base64 }),
]);
const anyValue = z.union([
  simpleValue,
  z.strictObject({ arrayValue: z.strictObject({ values: z.array(simpleValue) }) }),
]);

/** Each key once. */
const attributes = z
  .array(z.strictObject({ key: z.string().min(1), value: anyValue }))
  .refine((list) => new Set(list.map(({ key }) => key)).size === list.length);

const status = z.strictObject({
  message: z.string().optional(),
  /** UNSET, OK or ERROR: enums are numbers, never names. */
  code: z.int().min(0).max(2).optional(),
});

const event = z.strictObject({
  timeUnixNano: uint64,
  name: z.string(),
  attributes: attributes.optional(),
  droppedAttributesCount: uint32.optional(),
});

const link = z.strictObject({
  traceId: id(32),
  spanId: id(16),
  traceState: z.string().optional(),
  attributes: attributes.optional(),
  droppedAttributesCount: uint32.optional(),
  flags: uint32.optional(),
});

const span = z
  .strictObject({
    traceId: id(32),
    spanId: id(16),
    traceState: z.string().optional(),
    parentSpanId: id(16).optional(),
    flags: uint32.optional(),
    name: z.string().min(1),
    /** From INTERNAL to CONSUMER; 0 means that the kind is missing. */
    kind: z.int().min(1).max(5),
    startTimeUnixNano: uint64,
    endTimeUnixNano: uint64,
    attributes: attributes.optional(),
    droppedAttributesCount: uint32.optional(),
    events: z.array(event).optional(),
    droppedEventsCount: uint32.optional(),
    links: z.array(link).optional(),
    droppedLinksCount: uint32.optional(),
    status: status.optional(),
  })
  .refine((each) => BigInt(each.endTimeUnixNano) >= BigInt(each.startTimeUnixNano));

const scope = z.strictObject({
  name: z.string(),
  version: z.string().optional(),
  attributes: attributes.optional(),
  droppedAttributesCount: uint32.optional(),
});

const resource = z.strictObject({
  attributes,
  droppedAttributesCount: uint32.optional(),
});

/**
 * `ExportTraceServiceRequest` in JSON, with every field that it has and no other: a real receiver ignores
 * unknown fields, so that a wrong name would go unnoticed.
 *
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export const exportRequest = z.strictObject({
  resourceSpans: z
    .array(
      z.strictObject({
        resource,
        scopeSpans: z
          .array(
            z.strictObject({
              scope,
              spans: z.array(span).min(1),
              schemaUrl: z.string().optional(),
            }),
          )
          .min(1),
        schemaUrl: z.string().optional(),
      }),
    )
    .min(1),
});

type Attributes = z.output<typeof attributes>;
type Received = Omit<z.output<typeof span>, "attributes"> & {
  /** By key. */
  attributes: Record<string, unknown>;
  resource: Record<string, unknown>;
};

/** A collector's answer to a request; by default it accepts all spans. */
export type Behaviour = (request: Request) => Response | Promise<Response>;

const TAKEN = { headers: { "Content-Type": "application/json" } };
export const takeSpans: Behaviour = () => new Response('{"partialSuccess":{}}', TAKEN);

/**
 * An OpenTelemetry collector that accepts only valid OTLP. Hold it with `using`.
 *
 * @param behaviour answers valid requests; `behave` replaces it.
 */
export function startCollector({ port = 0, behaviour = takeSpans } = {}) {
  let behave = behaviour;
  const spans: Received[] = [];
  const problems: string[] = [];
  const requests: { path: string; headers: Headers; spans: number }[] = [];

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    async fetch(request) {
      const found = await read(request);
      if (found.problem !== undefined) {
        problems.push(found.problem);
        return new Response(found.problem, { status: 400 });
      }
      const { pathname } = new URL(request.url);
      requests.push({ path: pathname, headers: request.headers, spans: found.spans.length });
      const response = await behave(request);
      if (response.status === 200) spans.push(...found.spans);
      return response;
    },
  });

  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port ?? 0,
    /** The spans that were accepted. */
    spans,
    /** The problems of invalid requests. */
    problems,
    /** The valid requests, whatever their answer. */
    requests,
    behave: (next: Behaviour) => {
      behave = next;
    },
    /** Resolves with the spans that match, when there are at least `count` of them. */
    received: (count: number, matches: (span: Received) => boolean = () => true) =>
      eventually(`the collector has ${count} spans`, () => {
        if (problems.length > 0) throw new Error(problems.join("\n"));
        const matching = spans.filter(matches);
        return matching.length >= count ? matching : undefined;
      }),
    stop: () => server.stop(true),
    [Symbol.dispose]: () => void server.stop(true),
  };
}

export type Collector = ReturnType<typeof startCollector>;

type Found = { spans: Received[]; problem?: undefined } | { problem: string };

async function read(request: Request): Promise<Found> {
  const type = request.headers.get("Content-Type");
  if (request.method !== "POST" || type !== "application/json") {
    return { problem: `${request.method} of ${type}` };
  }
  const parsed = exportRequest.safeParse(await request.json().catch(() => undefined));
  if (!parsed.success) return { problem: z.prettifyError(parsed.error) };
  const spans = parsed.data.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((each) => ({
        ...each,
        attributes: byKey(each.attributes ?? []),
        resource: byKey(resource.attributes),
      })),
    ),
  );
  return { spans };
}

function byKey(list: Attributes): Record<string, unknown> {
  return Object.fromEntries(list.map(({ key, value }) => [key, plain(value)]));
}

function plain(value: z.output<typeof anyValue>): unknown {
  if ("arrayValue" in value) return value.arrayValue.values.map(plain);
  if ("intValue" in value) return Number(value.intValue);
  return Object.values(value)[0];
}
