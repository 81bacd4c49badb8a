import type { books } from "../src/books.ts";
import type { InputOf } from "../src/resources/resource.ts";

/** The same books in every run: words by Zipf's law, so that some are common and most are rare. */
export function createBooks() {
  let state = 42;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const syllables = ["ba", "ko", "mi", "ru", "ta", "ne", "lo", "vi", "sha", "do", "pe", "zu"];
  const word = (rank: number) => {
    let rest = rank + syllables.length;
    let text = "";
    for (; rest > 0; rest = Math.floor(rest / syllables.length)) {
      text += syllables[rest % syllables.length];
    }
    return text;
  };
  const anyWord = () => word(Math.floor(20_000 ** random()) - 1);
  const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
  const phrase = (words: number) =>
    Array.from({ length: words }, () => capital(anyWord())).join(" ");
  return {
    anyWord,
    next: (): InputOf<typeof books> => ({
      title: phrase(2 + Math.floor(random() * 4)),
      author: phrase(2),
      year: 1450 + Math.floor(random() * 576),
    }),
  };
}
