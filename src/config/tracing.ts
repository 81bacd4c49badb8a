import { z } from "zod";
import { SERVICE } from "../identity.ts";
import { flag, integer, type ValuesOf, type Variable } from "./variable.ts";

/** The standard's names for the ways to choose which requests are recorded. */
const SAMPLERS = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;

const TRACES_PATH = "v1/traces";

/** A token of HTTP (RFC 9110 section 5.6.2). */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const HEADER_VALUE = /^[\x20-\x7e]*$/;

const httpUrl = () =>
  z.string().refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ""));

/** `name=value` pairs with percent-encoded values, the standard's format, from W3C Baggage. */
const pairs = () =>
  z.string().transform((text, context) => {
    const entries = text
      .split(",")
      .filter((pair) => pair.trim() !== "")
      .map(parsePair);
    if (entries.every((entry) => entry !== undefined)) return Object.fromEntries(entries);
    context.addIssue("malformed");
    return z.NEVER;
  });

function parsePair(pair: string): [string, string] | undefined {
  const [, name, value = ""] = /^\s*([^=\s]+)\s*=(.*)$/s.exec(pair) ?? [];
  if (name === undefined) return undefined;
  try {
    return [decodeURIComponent(name), decodeURIComponent(value.trim())];
  } catch {
    return undefined;
  }
}

const isHeader = ([name, value]: [string, string]) =>
  HEADER_NAME.test(name) && HEADER_VALUE.test(value);

/**
 * The standard's variables that this service supports.
 *
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export const tracingVariables = {
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    schema: httpUrl,
    holdsUrl: true,
    takes: "an `http:` or `https:` URL",
    description:
      "The OpenTelemetry collector; spans go to `/v1/traces` below it, as JSON. By default, none are made.",
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    schema: httpUrl,
    holdsUrl: true,
    takes: "an `http:` or `https:` URL",
    defaultText: "`v1/traces` below `OTEL_EXPORTER_OTLP_ENDPOINT`",
    description: "The exact URL for spans.",
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    schema: () => pairs().refine((headers) => Object.entries(headers).every(isHeader)),
    default: {},
    takes: "headers as `name=value`, separated by commas, with percent-encoded values",
    defaultText: "none",
    description: "Headers that the collector requires, such as a key.",
    secret: true,
  },
  OTEL_EXPORTER_OTLP_TIMEOUT: {
    ...integer({ min: 1, max: 60_000, unit: "milliseconds" }),
    default: 10_000,
    description: "How long sending spans may take in total, before they are dropped.",
  },
  OTEL_SERVICE_NAME: {
    schema: () => z.string(),
    takes: "a name",
    defaultText: `\`${SERVICE.name}\``,
    description: "The name of this service in traces.",
  },
  OTEL_RESOURCE_ATTRIBUTES: {
    schema: pairs,
    default: {},
    takes: "`name=value`, separated by commas, with percent-encoded values",
    defaultText: "none",
    description: `Further attributes of this service in traces, such as \`k8s.pod.name=${SERVICE.name}-1\`.`,
  },
  OTEL_TRACES_SAMPLER: {
    schema: () => z.enum(SAMPLERS),
    default: "parentbased_always_on",
    takes: "`always_on`, `always_off`, `traceidratio`, or one of them after `parentbased_`",
    description:
      "Which requests become spans; with `parentbased_`, callers decide for requests that they trace.",
  },
  OTEL_TRACES_SAMPLER_ARG: {
    schema: () =>
      z
        .string()
        .regex(/^(0|1|[01]?\.\d{1,15})$/)
        .transform(Number)
        .pipe(z.number().min(0).max(1)),
    default: 1,
    takes: "a number from 0 to 1",
    description: "Which share of all traces `traceidratio` samples.",
  },
  OTEL_SDK_DISABLED: {
    ...flag,
    default: false,
    description: "Turns spans off, whatever the other variables say.",
  },
} satisfies Record<string, Variable>;

/** Where and how spans are exported. */
export type TracingConfig = NonNullable<ReturnType<typeof tracingConfig>>;

/** `undefined` if no spans are made. */
export function tracingConfig(data: ValuesOf<typeof tracingVariables>) {
  const url =
    data.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? tracesBelow(data.OTEL_EXPORTER_OTLP_ENDPOINT);
  if (url === undefined || data.OTEL_SDK_DISABLED) return undefined;
  const name = data.OTEL_SERVICE_NAME;
  /** The source of the spans, in OpenTelemetry's names. */
  const resource: Record<string, string> = {
    ...data.OTEL_RESOURCE_ATTRIBUTES,
    ...(name !== undefined && { "service.name": name }),
  };
  return {
    url,
    headers: data.OTEL_EXPORTER_OTLP_HEADERS,
    /** For one batch of spans, including retries. */
    timeoutMs: data.OTEL_EXPORTER_OTLP_TIMEOUT,
    resource,
    sampler: data.OTEL_TRACES_SAMPLER,
    /** From 0 to 1. */
    ratio: data.OTEL_TRACES_SAMPLER_ARG,
  };
}

function tracesBelow(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined) return undefined;
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${TRACES_PATH}`;
  return url.href;
}
