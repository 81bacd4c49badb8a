import { describe, expect } from "bun:test";
import { type Api, type HeaderFields, type Problem, uniqueWord } from "./api.ts";
import { test } from "./case.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

/** W3C Trace Context, as far as a client sees it: by the trace that a problem names. */
export function tracesContract(api: Api): void {
  const traceOf = async (headers: HeaderFields) => {
    const response = await api.get(`/${uniqueWord()}`, headers);
    return ((await response.json()) as Problem).trace_id;
  };

  describe("traces", () => {
    for (const [what, traceparent] of [
      ["sampled", `00-${TRACE}-${PARENT}-01`],
      ["not sampled", `00-${TRACE}-${PARENT}-00`],
      ["of a version to come", `42-${TRACE}-${PARENT}-01-more`],
    ] as const) {
      test(`a problem names the trace that its caller has begun, ${what}`, async () => {
        expect(await traceOf({ traceparent, tracestate: "rojo=1" })).toBe(TRACE);
      });
    }

    for (const traceparent of [
      `00-${TRACE.toUpperCase()}-${PARENT}-01`,
      `00-${"0".repeat(32)}-${PARENT}-01`,
      `ff-${TRACE}-${PARENT}-01`,
      `00-${TRACE}-${PARENT}-01-more`,
      "no traceparent at all",
    ]) {
      test(`a problem names a new trace in the place of ${traceparent}`, async () => {
        expect(await traceOf({ traceparent })).toMatch(/^(?!0af76519)[0-9a-f]{32}$/);
      });
    }

    test("every request without one begins a trace of its own", async () => {
      const [first, second] = await Promise.all([traceOf({}), traceOf({})]);
      expect(first).toMatch(/^[0-9a-f]{32}$/);
      expect(second).not.toBe(first);
    });

    test("a sampled request is answered as any other", async () => {
      const response = await api.get("/books?limit=1", { traceparent: `00-${TRACE}-${PARENT}-01` });
      expect(response.status).toBe(200);
      expect([...response.headers.keys()].filter((name) => name.startsWith("trace"))).toEqual([]);
    });
  });
}
