import type { BunPlugin } from "bun";

/** Leaves out the messages that zod has in fifty languages: 0.3 MB which nothing here asks for. */
export const englishOnly: BunPlugin = {
  name: "english-only",
  setup(builder) {
    builder.onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
      loader: "js",
    }));
  },
};
