import { titleOfService } from "../../src/identity.ts";

/** The name as it stands in texts, in its spellings. */
const WORD =
  /(?<=(?<before>(?<!\\)[A-Za-z_])?)(?<word>thimble|Thimble|THIMBLE)(?=(?<after>[A-Za-z_])?)/g;

/**
 * A text of this service as one of another name. `my-api` is `My API` for people, `my_api` and `MY_API` next to
 * an underscore, as in names of metrics and variables, and `MyApi` and `myapi` next to a letter, as in names
 * of alerts and the links to them.
 */
export function renamed(text: string, name: string): string {
  return text.replaceAll(WORD, (...found) => {
    const { word, before, after } = found.at(-1) as Record<string, string | undefined>;
    const neighbours = `${before ?? ""}${after ?? ""}`;
    if (word === "THIMBLE") return name.replaceAll("-", "_").toUpperCase();
    if (/[A-Za-z]/.test(neighbours)) {
      const joined = camelCase(name);
      return word === "Thimble" ? joined : joined.toLowerCase();
    }
    if (word === "Thimble") return titleOfService(name);
    return neighbours === "" ? name : name.replaceAll("-", "_");
  });
}

/** `MyApi` of `my-api`. */
function camelCase(name: string): string {
  return name.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

type Words = { name: string; one: string };

/** A text about books as one about the entries of another resource. */
export function aboutEntries(text: string, { name, one }: Words): string {
  const article = /^[aeiou]/.test(one) ? "n" : "";
  return text
    .replaceAll(/(?<=\b[Aa]) (?=book(?![A-Za-z_]))/g, `${article} `)
    .replaceAll(/(?<![A-Za-z_])books(?![A-Za-z_])/g, name)
    .replaceAll(/(?<![A-Za-z_])book(?![A-Za-z_])/g, one)
    .replaceAll(/(?<![A-Za-z_])Books(?![A-Za-z_])/g, capitalized(name))
    .replaceAll(/(?<![A-Za-z_])Book(?![A-Za-z_])/g, capitalized(one));
}

function capitalized(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
