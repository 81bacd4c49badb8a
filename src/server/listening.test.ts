import { expect, test } from "bun:test";
import { whyNotListening } from "./listening.ts";

const AT = { host: "0.0.0.0", port: 5000, variable: "PORT" };

test("a host that may be another machine's is named", () => {
  const says = whyNotListening("EADDRINUSE", { ...AT, host: "192.0.2.1" });
  expect(says).toBe("cannot listen on 192.0.2.1:5000: EADDRINUSE");
});

test("a host of IPv6 is written as URLs have it", () => {
  const says = whyNotListening("EADDRNOTAVAIL", { ...AT, host: "2001:db8::1" });
  expect(says).toBe("cannot listen on [2001:db8::1]:5000: EADDRNOTAVAIL");
});

test("the last port there is has no next one", () => {
  const says = whyNotListening("EADDRINUSE", { ...AT, port: 65_535 });
  expect(says).toBe("port 65535 is in use; choose another, for example PORT=65534");
});

test("on a Mac, the port that AirPlay takes is named, and no other", () => {
  const advice = "choose another, for example PORT=5001";
  expect(whyNotListening("EADDRINUSE", AT, "darwin")).toBe(
    `port 5000 is in use (often by AirPlay); ${advice}`,
  );
  expect(whyNotListening("EADDRINUSE", AT, "linux")).toBe(`port 5000 is in use; ${advice}`);
  expect(whyNotListening("EADDRINUSE", { ...AT, port: 8080 }, "darwin")).not.toContain("AirPlay");
});
