import { describe, expect, test } from "bun:test";
import { ConfigError, type Environment, parseConfig } from "./config.ts";
import { tracingVariables } from "./tracing.ts";

const API_KEY = "0123456789abcdef";
const ENDPOINT = "http://collector.example:4318";

function parse(environment: Environment) {
  return parseConfig({ API_KEY, OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, ...environment }).tracing;
}

function problemsOf(environment: Environment): readonly string[] {
  try {
    parse(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test("without a collector, tracing is off", () => {
  const others = { OTEL_SERVICE_NAME: "books", OTEL_TRACES_SAMPLER: "always_on" };
  expect(parse({ ...others, OTEL_EXPORTER_OTLP_ENDPOINT: undefined })).toBeUndefined();
});

test("it can be turned off", () => {
  expect(parse({ OTEL_SDK_DISABLED: "true" })).toBeUndefined();
  expect(parse({ OTEL_SDK_DISABLED: "false" })).toBeDefined();
});

test("a timeout is a whole number like any other, also with leading zeros", () => {
  expect(parse({ OTEL_EXPORTER_OTLP_TIMEOUT: "0000002500" })?.timeoutMs).toBe(2500);
});

test("the defaults", () => {
  expect(parse({})).toEqual({
    url: "http://collector.example:4318/v1/traces",
    headers: {},
    timeoutMs: 10_000,
    resource: {},
    sampler: "parentbased_always_on",
    ratio: 1,
  });
});

describe("where spans go", () => {
  for (const [endpoint, url] of [
    ["http://localhost:4318", "http://localhost:4318/v1/traces"],
    ["http://localhost:4318/", "http://localhost:4318/v1/traces"],
    ["https://otlp.example/otlp", "https://otlp.example/otlp/v1/traces"],
    ["https://otlp.example/otlp/?tenant=a", "https://otlp.example/otlp/v1/traces?tenant=a"],
  ]) {
    test(`below ${endpoint}`, () => {
      expect(parse({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })?.url).toBe(url ?? "");
    });
  }

  test("exactly as written, if the variable is for traces only", () => {
    const OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = "http://other.example/traces";
    expect(parse({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT })?.url).toBe("http://other.example/traces");
    const alone = { OTEL_EXPORTER_OTLP_ENDPOINT: "", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT };
    expect(parse(alone)?.url).toBe("http://other.example/traces");
  });
});

describe("pairs", () => {
  test("are decoded, both headers and attributes", () => {
    const pairs = "x-key=a%2Cb%3Dc, tenant = one ,empty=,";
    const decoded = { "x-key": "a,b=c", tenant: "one", empty: "" };
    const tracing = parse({ OTEL_EXPORTER_OTLP_HEADERS: pairs, OTEL_RESOURCE_ATTRIBUTES: pairs });
    expect(tracing).toMatchObject({ headers: decoded, resource: decoded });
  });

  test("may hold equals signs", () => {
    const { headers } = parse({ OTEL_EXPORTER_OTLP_HEADERS: "Authorization=Basic dTpw==" }) ?? {};
    expect(headers).toEqual({ Authorization: "Basic dTpw==" });
  });

  test("of headers may come from a file", () => {
    const environment = { API_KEY, OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT };
    const { tracing } = parseConfig(
      { ...environment, OTEL_EXPORTER_OTLP_HEADERS_FILE: "/run/secrets/otel" },
      () => "x-key=secret\n",
    );
    expect(tracing?.headers).toEqual({ "x-key": "secret" });
  });
});

test("the service's name overrides the one in the attributes", () => {
  const OTEL_RESOURCE_ATTRIBUTES = "service.name=shelf,k8s.pod.name=thimble-1";
  expect(parse({ OTEL_RESOURCE_ATTRIBUTES })?.resource).toEqual({
    "service.name": "shelf",
    "k8s.pod.name": "thimble-1",
  });
  const resource = parse({ OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME: "books" })?.resource;
  expect(resource).toMatchObject({ "service.name": "books" });
});

test("a part of all traces", () => {
  const OTEL_TRACES_SAMPLER = "parentbased_traceidratio";
  for (const [text, ratio] of Object.entries({
    "0": 0,
    "1": 1,
    "0.25": 0.25,
    ".5": 0.5,
    "1.0": 1,
  })) {
    expect(parse({ OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG: text })).toMatchObject({
      sampler: OTEL_TRACES_SAMPLER,
      ratio,
    });
  }
});

describe("a wrong value is refused, with the name of its variable and without the value", () => {
  const rows: Record<keyof typeof tracingVariables, string[]> = {
    OTEL_EXPORTER_OTLP_ENDPOINT: ["collector:4318", "localhost", "ftp://a.example", "http://"],
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: ["/v1/traces", "grpc://a.example"],
    OTEL_EXPORTER_OTLP_HEADERS: ["key", "=value", "a b=c", "key=%zz", "key=a%0Ab", "key=é"],
    OTEL_EXPORTER_OTLP_TIMEOUT: ["0", "-1", "60001", "10s", "1.5"],
    OTEL_SERVICE_NAME: [],
    OTEL_RESOURCE_ATTRIBUTES: ["key", "=value", "key=%zz"],
    OTEL_TRACES_SAMPLER: ["always", "jaeger_remote", "parentbased"],
    OTEL_TRACES_SAMPLER_ARG: ["-0.1", "1.1", "half", "1e-3", "2"],
    OTEL_SDK_DISABLED: ["maybe"],
  };
  for (const [name, values] of Object.entries(rows)) {
    for (const value of values) {
      test(`${name}=${value}`, () => {
        const variable = tracingVariables[name as keyof typeof tracingVariables];
        const takes = variable.takes.replaceAll("`", "");
        const isSecret = "secret" in variable || "holdsUrl" in variable || value.includes("@");
        const received = isSecret ? "" : ` is ${JSON.stringify(value)}; it`;
        expect(problemsOf({ [name]: value })).toEqual([`${name}${received} must be ${takes}`]);
      });
    }
  }
});
