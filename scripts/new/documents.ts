import { dirname, join } from "node:path";
import { titleOfService } from "../../src/identity.ts";
import type { Resource } from "../../src/resources/resource.ts";
import { exampleInput, inputSchema } from "../../src/resources/schemas.ts";
import { isRemoved, REMOVED_SCRIPTS, REMOVED_SECTIONS } from "./removed.ts";
import { aboutEntries } from "./rename.ts";

/** A document without what is about things that are removed, and without links to them. */
export function withoutRemoved(path: string, document: string): string {
  let text = document;
  for (const heading of REMOVED_SECTIONS[path] ?? []) text = withoutSection(text, heading);
  return withoutCommands(withoutLinks(path, text));
}

/** Without the part from a heading of the second level to the next one, if there is one. */
function withoutSection(text: string, heading: string): string {
  const start = text.indexOf(`\n## ${heading}\n`);
  if (start === -1) return text;
  const end = text.indexOf("\n## ", start + 1);
  return end === -1
    ? `${text.slice(0, start).trimEnd()}\n`
    : text.slice(0, start) + text.slice(end);
}

/** Pictures of what is removed go; links to it are only their text. */
function withoutLinks(path: string, text: string): string {
  const isGone = (target: string) => isRemoved(join(dirname(path), target));
  return text
    .replaceAll(/^!\[[^\]]*\]\(([^)\s#]+)[^)]*\)\n\n?/gm, (picture, target) =>
      isGone(target) ? "" : picture,
    )
    .replaceAll(/(?<!!)\[([^\]]+)\]\(([^)\s#]+)[^)]*\)/g, (link, label, target) =>
      isGone(target) ? label : link,
    );
}

/** Without the lines of examples that start a script which is gone. */
function withoutCommands(text: string): string {
  const lines = text.split("\n");
  return lines
    .filter((line) => {
      const [, script] = /^(?:npm|bun) run ([\w:]+)/.exec(line) ?? [];
      return script === undefined || !REMOVED_SCRIPTS.test(script);
    })
    .join("\n");
}

/** A document that speaks of books as one of the resource, its fields in the place of theirs. */
export function ofResource(document: string, resource: Resource): string {
  const { fields, filter, sort } = resource;
  const [first = "", message = ""] = exampleProblem(resource);
  const inCode = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(", ");
  return aboutEntries(document, resource)
    .replace("`id`, `title`, `author`, `year`", inCode(["id", ...sort]))
    .replace("`q`, `author`, `year` and", `${inCode(["q", ...filter])} and`)
    .replace("a word in\nthe title or the author", "a word in\na field that is searched")
    .replace("title, author, year", Object.keys(fields).join(", "))
    .replace(/"year: Invalid input: [^"]+"/, JSON.stringify(`${first}: ${message}`))
    .replace(/"year", "message": "[^"]+"/, `"${first}", "message": ${JSON.stringify(message)}`);
}

/** What is wrong with the first field of an entry that has a list there. */
function exampleProblem(resource: Resource): string[] {
  const [first = ""] = Object.keys(resource.fields);
  const wrong = { ...exampleInput(resource), [first]: [] };
  return [first, inputSchema(resource).safeParse(wrong).error?.issues[0]?.message ?? ""];
}

/** The README from its title to what else there is to read. */
export function introduction(name: string, resource: Resource): string {
  const title = titleOfService(name);
  const words = resource.name.replaceAll("_", " ");
  return `# ${title}

An HTTP API with ${words} on SQLite or PostgreSQL: a Hono app on Bun, compiled into one executable, in one tiny container.

With Node 20 or later and npm (with Bun only, run \`bun start\` and \`bun run test\`):

\`\`\`sh
npm start       # serves http://localhost:5000, data in ./data; prints an API key for this run
npm run check   # format, lint, types and the whole test suite
\`\`\`

\`\`\`sh
curl http://localhost:5000/${resource.name} -H "X-API-Key: $KEY" -H 'Content-Type: application/json' \\
  -d '${JSON.stringify(exampleInput(resource))}'
curl http://localhost:5000/${resource.name}
\`\`\`

\`KEY\` is the key that \`npm start\` printed. Read and try the whole API on the page <http://localhost:5000/docs>.

\`\`\`sh
npm run resource -- add tags "label:text(40)"   # another resource
docker build -t ${name} .                       # the image
\`\`\`

[docs/fork.md](docs/fork.md) shows how to go on: a field added later, a route of your own, a variable, deploying.

`;
}

/** The README with another introduction. */
export function withIntroduction(readme: string, text: string): string {
  return text + readme.slice(readme.indexOf("## Read on"));
}
