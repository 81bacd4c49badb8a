import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
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
    expect(stderr).toContain("API_KEY is required");
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

/** The answers of the compiled service's own Bun. */
async function intl(script: string): Promise<unknown> {
  const command = [await compiledBinary(), "-e", `console.log(JSON.stringify(${script}))`];
  const { code, stdout, stderr } = await runToEnd(command, { BUN_BE_BUN: "1", LANG: "C" });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
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
