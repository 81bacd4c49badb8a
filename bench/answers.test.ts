import { expect, test } from "bun:test";
import { type Answer, differences } from "./answers.ts";

const ANSWER: Answer = {
  status: 200,
  headers: {
    "content-type": "application/json",
    "x-request-id": "0c9a",
    ratelimit: '"default";r=99;t=60',
  },
  body: '{"timestamp":"2026-01-02T03:04:05.678Z","uptime_seconds":0.25,"a":1}',
};

test("ids, times and counters may differ between answers", () => {
  const later: Answer = {
    status: 200,
    headers: {
      "content-type": "application/json; charset=utf-8",
      "x-request-id": "77",
      ratelimit: '"default";r=7;t=1',
    },
    body: '{"timestamp":"2026-01-02T03:04:06Z","uptime_seconds":12,"a":1}',
  };
  expect(differences(ANSWER, later)).toEqual([]);
});

test("a missing header, another status and another body are differences", () => {
  const { ratelimit: _, ...headers } = ANSWER.headers;
  const other = { status: 201, headers: { ...headers, etag: "1" }, body: '{"a":2}' };
  expect(differences(ANSWER, other)).toEqual([
    "status: 200, here 201",
    "etag: none, here 1",
    'ratelimit: "default";r=0;t=0, here none',
    'body: {"timestamp":"…","uptime_seconds":0,"a":1}, here {"a":2}',
  ]);
});
