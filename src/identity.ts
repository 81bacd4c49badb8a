import { description, name, version } from "../package.json" with { type: "json" };

/** `My API` of `my-api`. */
export function titleOfService(name: string): string {
  const words = name.split("-").map((word) => (word === "api" ? "API" : capitalized(word)));
  return words.join(" ");
}

const capitalized = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

/** What makes this service this one. All of it is in package.json, and nothing here says it again. */
export const SERVICE = {
  name,
  version,
  description,
  /** The name for people. */
  title: titleOfService(name),
  /** The name where no hyphen may be, as in metrics. */
  identifier: name.replaceAll("-", "_"),
} as const;
