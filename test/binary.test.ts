import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UNREAD_VARIABLES } from "../scripts/build/unread-variables.ts";
import { pem, putCertificate } from "./certificate.ts";
import { CONTRACT_VARIABLES } from "./contract/api.ts";
import { httpContract } from "./http.contract.ts";
import { serverContract } from "./server.contract.ts";
import {
  compiledBinary,
  compiledProbe,
  inTemporaryDirectory,
  newDirectory,
  runToEnd,
  startService,
  type Variables,
} from "./service.ts";

setDefaultTimeout(30_000);

serverContract("Bun, compiled", async () => [await compiledBinary()], ["PostgreSQL"]);

httpContract("Bun, compiled, memory over HTTPS", async () => {
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
    expect(stderr).toContain("API_KEY is not set");
    expect(existsSync(join(directory, "preloaded"))).toBe(false);
  });
});

/** What programs ask ICU for, in a language. */
const INTL = `(locale) => {
  const day = new Date("2026-11-29T13:05:00Z");
  const full = { dateStyle: "full", timeStyle: "full", timeZone: "Europe/Berlin" };
  const price = { style: "currency", currency: "EUR" };
  const words = (text) =>
    [...new Intl.Segmenter(locale, { granularity: "word" }).segment(text)].length;
  return [
    new Intl.DateTimeFormat(locale, full).format(day),
    new Intl.NumberFormat(locale, price).format(1234.5),
    new Intl.NumberFormat(locale, { style: "unit", unit: "mile", unitDisplay: "long" }).format(3),
    new Intl.PluralRules(locale, { type: "ordinal" }).select(2),
    new Intl.RelativeTimeFormat(locale).format(-3, "day"),
    new Intl.ListFormat(locale).format(["a", "b", "c"]),
    new Intl.DisplayNames(locale, { type: "region" }).of("JP"),
    new Intl.DurationFormat(locale, { style: "long" }).format({ hours: 2 }),
    ["b", "a", "B", "Z"].sort(new Intl.Collator(locale).compare),
    words("One, two."),
    ["NFC", "NFD", "NFKC", "NFKD"].map((form) => "\u00e9\uac00\ufb01e\u0301".normalize(form)),
    "\u0130I".toLocaleLowerCase(locale),
    new URL("http://b\u00fccher.example").hostname,
  ];
}`;

/** The answers of the Bun in the executable. */
async function evaluate(script: string, env: Variables = {}): Promise<unknown> {
  const { code, stdout, stderr } = await runToEnd([await compiledProbe(), script], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

function intl(script: string): Promise<unknown> {
  return evaluate(script, { LANG: "C" });
}

describe("without the data of other languages", () => {
  const inEnglish: unknown = new Function(`return (${INTL})("en-GB")`)();

  test("English is as in Bun", async () => {
    expect(await intl(`(${INTL})("en-GB")`)).toEqual(inEnglish);
  });

  test("other languages are English, and none ends the process", async () => {
    const languages = ["de", "zh-Hant", "ar", "th", "ja", "sr-Latn", "hi-u-nu-deva", "zu-ZA", "xx"];
    const answers = await intl(`${JSON.stringify(languages)}.map(${INTL})`);
    expect(answers).toHaveLength(languages.length);
    const months = 'new Intl.DateTimeFormat("de", { month: "long" })';
    expect(await intl(`[${months}.format(0)]`)).toEqual(["January"]);
  });

  test("the executable has no item of them", async () => {
    const executable = readFileSync(await compiledBinary());
    const has = (item: string) => executable.includes(`\0icudt78l/${item}\0`);
    expect([has("en.res"), has("nfkc.nrm"), has("de.res"), has("curr/zh.res")]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

test("with all languages, which SLIM=false keeps, it serves too, and is no Bun", async () => {
  const path = join(newDirectory(), "thimble");
  const script = join(import.meta.dir, "../scripts/build/executable.ts");
  const example = join(import.meta.dir, "example/plugin.ts");
  const make = `const { build } = await import("${script}"); const { example } = await import("${example}");
    await build(${JSON.stringify(path)}, { plugins: [example] })`;
  const built = await runToEnd([process.execPath, "--eval", make], { SLIM: "false" });
  expect(built).toMatchObject({ code: 0, stderr: "" });
  expect(readFileSync(path).includes("\0icudt78l/de.res\0")).toBe(true);
  const asBun = await runToEnd([path, "-e", "1"], { BUN_BE_BUN: "1" });
  expect(asBun.stderr).toStartWith("thimble: unknown command: -e");

  await using service = await startService({ command: [path] });
  expect((await fetch(`${service.url}/ready`)).status).toBe(200);
  const headers = { "X-API-Key": service.apiKey, "Content-Type": "application/json" };
  const book = { title: "Été", author: "Émile", year: 1885 };
  const added = await fetch(`${service.url}/books`, {
    ...{ method: "POST", headers, body: JSON.stringify(book) },
  });
  expect(added.status).toBe(201);
  const { items } = await (await fetch(`${service.url}/books?q=ete`)).json();
  expect(items).toMatchObject([book]);
});

describe("a variable of Bun that could make the service something else", () => {
  const program = "program.js";
  const written = "written";

  for (const [variable, value] of [
    ["BUN_BE_BUN", "1"],
    ["BUN_OPTIONS", `--preload=./${program}`],
    ["BUN_INSPECT_PRELOAD", `./${program}`],
    ["BUN_JSC_dumpOptions", "1"],
    ["BUN_BYTECODE_DIGEST_OUT", written],
    ["BUN_BYTECODE_ORDER_OUT", written],
  ] as const) {
    test(`${variable} has no effect`, async () => {
      await inTemporaryDirectory(async (directory) => {
        writeFileSync(join(directory, program), `await Bun.write("${written}", "");`);
        const command = [await compiledBinary(), "-e", `await Bun.write("${written}", "")`];
        const expected = await runToEnd(command, {}, { directory });
        expect(expected).toMatchObject({ code: 64, stdout: "" });
        expect(expected.stderr).toStartWith("thimble: unknown command: -e");
        expect(await runToEnd(command, { [variable]: value }, { directory })).toEqual(expected);
        expect(readdirSync(directory)).toEqual([program]);
      });
    });
  }

  test("NODE_TLS_REJECT_UNAUTHORIZED accepts no certificate of an unknown authority", async () => {
    const { TLS_CERT_FILE, TLS_KEY_FILE } = putCertificate(newDirectory(), "first");
    const script = `(async () => {
      const tls = { cert: Bun.file("${TLS_CERT_FILE}"), key: Bun.file("${TLS_KEY_FILE}") };
      using server = Bun.serve({ port: 0, tls, fetch: () => new Response() });
      const { promise, resolve } = Promise.withResolvers();
      const { connect } = process.getBuiltinModule("node:tls");
      const socket = connect({ host: "localhost", port: server.port }, () => resolve("connected"));
      socket.on("error", ({ code }) => resolve(code));
      const answers = [
        await fetch("https://localhost:" + server.port).then(() => "answered", ({ code }) => code),
        await promise,
      ];
      socket.destroy();
      return [process.env.NODE_TLS_REJECT_UNAUTHORIZED, ...answers];
    })()`;
    const refusal = "DEPTH_ZERO_SELF_SIGNED_CERT";
    const answers = await evaluate(script, { NODE_TLS_REJECT_UNAUTHORIZED: "0" });
    expect(answers).toEqual(["0", refusal, refusal]);
  });

  test("BUN_CONFIG_VERBOSE_FETCH logs no request", async () => {
    const script = `(async () => {
      using server = Bun.serve({ port: 0, fetch: () => new Response() });
      return (await fetch(server.url)).status;
    })()`;
    expect(await evaluate(script, { BUN_CONFIG_VERBOSE_FETCH: "curl" })).toBe(200);
  });

  test("is nowhere by its name in the executable", async () => {
    const executable = readFileSync(await compiledBinary());
    const names = Object.keys(UNREAD_VARIABLES).filter((name) =>
      executable.includes(`\0${name}\0`),
    );
    expect(names).toEqual([]);
    expect(executable.includes("\0NODE_EXTRA_CA_CERTS\0")).toBe(true);
  });
});
