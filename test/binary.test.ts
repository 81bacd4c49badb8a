import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pem, putCertificate } from "./certificate.ts";
import { CONTRACT_VARIABLES } from "./contract/api.ts";
import { httpContract } from "./http.contract.ts";
import { serverContract } from "./server.contract.ts";
import {
  compiledBinary,
  inTemporaryDirectory,
  newDirectory,
  runToEnd,
  startService,
} from "./service.ts";

setDefaultTimeout(30_000);

serverContract("Bun, compiled", async () => [await compiledBinary()], ["PostgreSQL"]);

httpContract("Bun, compiled, over HTTPS", async () => {
  const env = { DATABASE_URL: "memory:", ...CONTRACT_VARIABLES };
  const certificate = putCertificate(newDirectory(), "first");
  const service = await startService({ env: { ...env, ...certificate } });
  const tls = { ca: pem("first.crt") };
  return {
    baseUrl: service.url,
    apiKey: service.apiKey,
    fetch: (url: string, init?: RequestInit) => fetch(url, { ...init, tls }),
    close: () => service[Symbol.asyncDispose](),
  };
});

test("files in the working directory have no effect", async () => {
  await inTemporaryDirectory(async (directory) => {
    const plant = (name: string, text: string) => writeFileSync(join(directory, name), text);
    for (const name of [".env", ".env.local", ".env.production", ".env.development"]) {
      plant(name, "ENVIRONMENT=development\nAPI_KEY=key-from-dot-env-1\nPORT=1\n");
    }
    plant("bunfig.toml", 'preload = ["./preload.ts"]\n[serve]\nport = 1\n');
    plant("preload.ts", 'require("node:fs").writeFileSync("preloaded", "");\n');
    plant("package.json", "{ not json");
    plant("tsconfig.json", '{ "compilerOptions": { "paths": { "*": ["./preload.ts"] } } }');

    const { code, stderr } = await runToEnd([await compiledBinary(), "serve"], {}, { directory });
    expect(code).toBe(78);
    expect(stderr).toContain("API_KEY is required");
    expect(existsSync(join(directory, "preloaded"))).toBe(false);
  });
});
