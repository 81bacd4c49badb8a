import { ENGINE_PREFIX, UNREAD_VARIABLES } from "./unread-variables.ts";

/**
 * What the build changes in Bun, in sentences for the bill of materials.
 *
 * @param languages those whose data stays besides English; nothing if Bun stays whole (slim/options.ts).
 */
export function changesOfBun(languages: ReadonlySet<string> | undefined): string[] {
  const variables = [...Object.keys(UNREAD_VARIABLES), `${ENGINE_PREFIX}*`].join(", ");
  const environment = `It does not read these variables of the environment: ${variables}.`;
  if (languages === undefined) return [environment];
  const kept = ["en", ...languages].join(", ");
  return [
    environment,
    `ICU's data of all languages but these is left out: ${kept}.`,
    "The files of Bun's own tools (linter, type checker, bundler, completions) are zeros.",
  ];
}
