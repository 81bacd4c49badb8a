import type { Values } from "../field.ts";
import type { Entry } from "../resource.ts";
import { RENEWED_PER_CALL } from "../store.ts";
import { WORDS_VERSION } from "../words.ts";

type Row = Readonly<Record<string, unknown>>;

/**
 * The id after which entries are to be renewed; `null` where all of them have been.
 *
 * @param row of `search_words`; there is none where the words may be of any version.
 */
export function placeOfRenewal(row: Row | undefined): number | null {
  if (Number(row?.version) !== WORDS_VERSION) return 0;
  return row?.after_id === null ? null : Number(row?.after_id);
}

/** The place after these entries, which is `null` where they were the last ones. */
export function nextPlace(renewed: readonly Entry[]): number | null {
  return renewed.length < RENEWED_PER_CALL ? null : (renewed.at(-1)?.id ?? null);
}

/** The texts of an entry from a release that did not compose them (Unicode NFC), composed. */
export function decomposedTexts(entry: Entry): Values | undefined {
  const decomposed = Object.entries(entry).flatMap(([name, value]) => {
    const composed = typeof value === "string" ? value.normalize("NFC") : value;
    return composed === value ? [] : [[name, composed] as const];
  });
  return decomposed.length > 0 ? Object.fromEntries(decomposed) : undefined;
}
