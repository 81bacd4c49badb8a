import { expect, test } from "bun:test";
import { loadOf, luaRequest } from "./wrk.ts";

const REPORT = `Running 4s test @ http://127.0.0.1:5000/books/1
  1 threads and 32 connections
  80000 requests in 4.00s, 30.00MB read
Requests/sec:  20000.25
Transfer/sec:      7.50MB
`;

test("the requests and their rate are read from wrk's report", () => {
  expect(loadOf(REPORT)).toEqual({ requests: 80_000, perSecond: 20_000.25 });
});

test("a report of failed requests is no rate", () => {
  const failed = REPORT.replace("Requests/sec", "  Non-2xx or 3xx responses: 7\nRequests/sec");
  expect(() => loadOf(failed)).toThrow("Non-2xx or 3xx responses: 7");
  const broken = REPORT.replace("Requests/sec", "  Socket errors: connect 0, read 3\nRequests/sec");
  expect(() => loadOf(broken)).toThrow("Socket errors: connect 0, read 3");
  expect(() => loadOf("")).toThrow("wrk's report has no rate");
});

test("a header may have quotes, as an entity tag does", () => {
  const script = luaRequest({ headers: { "If-None-Match": '"7"' } });
  expect(script.split("\n")).toContain('wrk.headers["If-None-Match"] = "\\"7\\""');
});
