/**
 * The languages besides English whose data stays in the executable, from `KEEP_LOCALES`; nothing if
 * `SLIM` is false, and everything stays.
 *
 * @throws {Error} if a variable has a wrong value.
 */
export function languagesToKeep(
  env: Readonly<Record<string, string | undefined>>,
): ReadonlySet<string> | undefined {
  const languages = new Set(
    (env.KEEP_LOCALES ?? "")
      .split(",")
      .map((each) => each.trim())
      .filter(Boolean),
  );
  for (const language of languages) {
    const isLanguage = /^[a-z]{2,3}$/.test(language);
    if (!isLanguage) throw wrong("KEEP_LOCALES", language, "languages such as de,fr");
  }
  if (env.SLIM === "false") return undefined;
  if (env.SLIM && env.SLIM !== "true") throw wrong("SLIM", env.SLIM, "true or false");
  return languages;
}

function wrong(variable: string, received: string, expected: string): Error {
  return new Error(`${variable}: received ${JSON.stringify(received)}; expected ${expected}`);
}
