import { expect, test } from "bun:test";
import { whyNotListening } from "./listening.ts";

const AT = { host: "0.0.0.0", port: 5000, variable: "PORT" };

test("on a Mac, the port that AirPlay takes is named, and no other", () => {
  const advice = "choose another, for example PORT=5001";
  expect(whyNotListening("EADDRINUSE", AT, "darwin")).toBe(
    `port 5000 is in use (often by AirPlay); ${advice}`,
  );
  expect(whyNotListening("EADDRINUSE", AT, "linux")).toBe(`port 5000 is in use; ${advice}`);
  expect(whyNotListening("EADDRINUSE", { ...AT, port: 8080 }, "darwin")).not.toContain("AirPlay");
});
