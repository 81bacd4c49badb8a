import { describe, expect, test } from "bun:test";
import { languagesToKeep } from "./options.ts";

describe("the languages to keep", () => {
  for (const [env, languages] of [
    [{}, []],
    [{ SLIM: "", KEEP_LOCALES: "" }, []],
    [{ SLIM: "true" }, []],
    [{ KEEP_LOCALES: "de" }, ["de"]],
    [{ KEEP_LOCALES: " de, gsw ," }, ["de", "gsw"]],
  ] as const) {
    test(`with ${JSON.stringify(env)} are ${JSON.stringify(languages)}`, () => {
      expect(languagesToKeep(env)).toEqual(new Set(languages));
    });
  }

  test("are all with SLIM=false", () => {
    expect(languagesToKeep({ SLIM: "false", KEEP_LOCALES: "de" })).toBeUndefined();
  });

  for (const [env, message] of [
    [{ SLIM: "no" }, 'SLIM: received "no"; expected true or false'],
    [
      { KEEP_LOCALES: "de,pt-BR" },
      'KEEP_LOCALES: received "pt-BR"; expected languages such as de,fr',
    ],
    [{ KEEP_LOCALES: "DE" }, 'KEEP_LOCALES: received "DE"'],
  ] as const) {
    test(`with ${JSON.stringify(env)} are an error`, () => {
      expect(() => languagesToKeep(env)).toThrow(message);
    });
  }
});
