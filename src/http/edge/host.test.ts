import { describe, expect, test } from "bun:test";
import { openApp } from "../../../test/app.ts";

const { request } = openApp();
const ask = (host: string) => request("/healthz", { headers: { Host: host } });

describe("a Host is taken:", () => {
  for (const host of [
    ...[
      "",
      "a",
      "a.",
      "A.example",
      "localhost:5000",
      "a:",
      "my_service.namespace.svc",
      "127.0.0.1",
    ],
    ...["[::1]", "[::1]:80", "[2001:db8::192.0.2.1]:65535", "xn--mnchen-3ya.example", "a%2Db"],
  ]) {
    test(JSON.stringify(host), async () => expect((await ask(host)).status).toBe(200));
  }
});

describe("a Host is refused:", () => {
  for (const host of [
    ...["a, b", "a, a", "a,b", "a b", "a/b", "a/healthz?", "a?b", "a#b", "a\\b", "u@h", "u:p@h:80"],
    ...[
      "a:port",
      "a:80:90",
      "a:123456",
      "[::1",
      "::1",
      "[::1]a",
      "[g::1]",
      "a%2",
      "a%zz",
      "\u00e4",
      "a^b",
    ],
    ...['a"b', "<a>", "a|b", "{a}", "a\tb"],
  ]) {
    test(JSON.stringify(host), async () => {
      const response = await ask(host);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        error: "Malformed Host header",
        detail: `Send one Host, such as example.com:8080; it is ${JSON.stringify(host)}.`,
      });
    });
  }
});

test("a refused Host is refused again after a good one, and a long one is not repeated whole", async () => {
  for (const [host, status] of [
    ["a b", 400],
    ["a", 200],
    ["a b", 400],
    ["a", 200],
  ] as const) {
    expect((await ask(host)).status).toBe(status);
  }
  expect((await (await ask("/".repeat(5000))).text()).length).toBeLessThan(1000);
});
