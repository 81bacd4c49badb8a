// Of ICU's 3,990 items, the service opens one, whatever a client sends: `nfkc.nrm`, to compare words in a
// search. (Measured with a probe on ICU's lookup while all tests of the executable ran; the other forms
// of normalisation and the properties of characters are compiled into Bun.) All others are for code that
// is added later. So only what belongs to a language is left out, and kept is:
//
// - `*.nrm`: normalisation, and `uts46.nrm` the names of hosts in URLs;
// - `*.icu`, `coll/root.res`: properties of characters, and the order of texts;
// - `root.res`, `pool.res` and `res_index.res` of each folder: what every language falls back to;
// - English and its regions, which Bun falls back to;
// - `brkitr/*.brk`: where words and lines end, in scripts with spaces;
// - time zones, calendars, currencies, units, plural rules: what is not of one language.

/** `de.res`, `curr/de_AT.res`, `coll/de__PHONEBOOK.res`; not `root.res`, `pool.res`, `res_index.res`. */
const OF_LANGUAGE = /^(?:\w+\/)?(?!res_index\.)([a-z]{2,3})(?:_\w*)?\.res$/;

/** The words of languages that put no spaces between them. */
const DICTIONARIES: Readonly<Record<string, readonly string[]>> = {
  "brkitr/burmesedict.dict": ["my"],
  "brkitr/cjdict.dict": ["ja", "zh"],
  "brkitr/khmerdict.dict": ["km"],
  "brkitr/laodict.dict": ["lo"],
  "brkitr/thaidict.dict": ["th"],
};

/** Always kept. */
export const FALLBACK_LANGUAGE = "en";

/** The languages that an item of ICU's data belongs to; none if it is for all. */
export function languagesOf(name: string): readonly string[] {
  const item = name.slice(name.indexOf("/") + 1);
  const language = OF_LANGUAGE.exec(item)?.[1];
  return language === undefined ? (DICTIONARIES[item] ?? []) : [language];
}

export function isKept(name: string, languages: ReadonlySet<string>): boolean {
  const own = languagesOf(name);
  return own.length === 0 || own.some((each) => each === FALLBACK_LANGUAGE || languages.has(each));
}
