import { describe, expect, test } from "bun:test";
import { type HttpEvent, isHttpEvent, plainEvent } from "./event.ts";

type Parts = Partial<Pick<HttpEvent, "rawPath" | "headers" | "cookies" | "body">>;

function eventOf({
  stage = "$default",
  method = "GET",
  ...parts
}: Parts & { stage?: string; method?: string }) {
  const http = { method, path: "/", protocol: "HTTP/1.1", sourceIp: "192.0.2.1", userAgent: "" };
  const event = { rawPath: "/", headers: {}, requestContext: { stage, http }, ...parts };
  if (!isHttpEvent(event)) throw new Error("No event in payload format 2.0");
  return event;
}

describe("the path of an event", () => {
  const paths: { what: string; rawPath: string; stage?: string; becomes: string }[] = [
    {
      what: "stays as it was sent",
      rawPath: "/books/%E0%A4%A//%2F?",
      becomes: "/books/%E0%A4%A//%2F%3F",
    },
    {
      what: "is encoded where AWS decoded it",
      rawPath: '/a b#c?d\\e\n"<é>',
      becomes: "/a%20b%23c%3Fd%5Ce%0A%22%3Cé%3E",
    },
    { what: "loses the stage", rawPath: "/prod/books", stage: "prod", becomes: "/books" },
    { what: "loses the stage, all that it is", rawPath: "/prod", stage: "prod", becomes: "" },
    { what: "loses the stage once", rawPath: "/prod/prod/1", stage: "prod", becomes: "/prod/1" },
    {
      what: "keeps what begins like the stage",
      rawPath: "/products",
      stage: "prod",
      becomes: "/products",
    },
    { what: "keeps what no stage is", rawPath: "/$default/books", becomes: "/$default/books" },
  ];
  for (const { what, becomes, ...parts } of paths) {
    test(`${what}: ${JSON.stringify(parts.rawPath)}`, () => {
      expect(plainEvent(eventOf(parts)).rawPath).toBe(becomes);
    });
  }
});

test("an empty header stays empty, and a header outside ASCII does not become ASCII", () => {
  const headers = { empty: "", plain: 'a\t"b', letter: "café", absent: undefined };
  const { headers: plain } = plainEvent(eventOf({ headers }));
  expect(plain).toEqual({ empty: " ", plain: 'a\t"b', letter: "caf\x7f", absent: undefined });
  expect(new Headers({ empty: plain.empty ?? "" }).get("empty")).toBe("");
});

test("cookies keep their text, like headers", () => {
  expect(plainEvent(eventOf({ cookies: ["a=東", "b=1"] })).cookies).toEqual(["a=\x7f", "b=1"]);
  expect(plainEvent(eventOf({}))).not.toHaveProperty("cookies");
});

test("a body is left out if the method must not have one", () => {
  for (const method of ["GET", "HEAD"]) {
    expect(plainEvent(eventOf({ method, body: "{}" })).body).toBeNull();
  }
  expect(plainEvent(eventOf({ method: "POST", body: "{}" })).body).toBe("{}");
});

test("events of another kind are recognised", () => {
  for (const event of [
    null,
    undefined,
    "text",
    {},
    { rawPath: "/" },
    { rawPath: "/", requestContext: {} },
  ]) {
    expect(isHttpEvent(event)).toBe(false);
  }
});
