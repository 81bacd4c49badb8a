// Makes a service of this one, with a name and a resource of its own:
//
//   npm run new NAME -- RESOURCE FIELD... [--one NAME] [--keep-books]
//
// A FIELD is as in scripts/resource/main.ts. Everything is checked first; then files are written, and each is
// printed. The books go, but as the example of the tests of the engine; with --keep-books, the service keeps them.
import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { parseArgs } from "node:util";
import { books } from "../../src/books.ts";
import { titleOfService } from "../../src/identity.ts";
import type { Resource } from "../../src/resources/resource.ts";
import { VERSIONED_FILES, withVersion } from "../release/versioned-files.ts";
import { type Change, fromRoot, make, ROOT } from "../resource/changes.ts";
import { type NewResource, newResource } from "../resource/definition.ts";
import { parseField } from "../resource/fields.ts";
import { mount, withoutResource, withResource } from "../resource/service.ts";
import { outputOf } from "../shell/commands.ts";
import { runMain, UsageError } from "../shell/main.ts";
import { introduction, ofResource, withIntroduction, withoutRemoved } from "./documents.ts";
import { firstMigrations, moveExample, withMovedImports } from "./example.ts";
import { isRemoved, REMOVED_SCRIPTS } from "./removed.ts";
import { renamed } from "./rename.ts";

const USAGE = "NAME -- RESOURCE FIELD... [--one NAME] [--keep-books]";
const SERVICE = "src/service.ts";
const BOOKS_TEST = "test/resources/books.test.ts";
const OLD_NAME = "thimble";
const FIRST_VERSION = "0.1.0";
/** As long as Docker, Kubernetes and PostgreSQL's application_name all permit, with something after it. */
const LONGEST_NAME = 40;

type Options = { name: string; added: NewResource; keepBooks: boolean };

function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  const [name, resource, ...fields] = positionals;
  if (name === undefined || resource === undefined || fields.length === 0) {
    throw new UsageError(`expected ${USAGE}; received ${args.join(" ") || "nothing"}`);
  }
  requireName(name);
  const { one, "keep-books": keepBooks = false } = values;
  const added = newResource(resource, { fields: fields.map(parseField), ...(one && { one }) });
  return { name, added, keepBooks };
}

function parse(args: readonly string[]) {
  try {
    const options = { one: { type: "string" }, "keep-books": { type: "boolean" } } as const;
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}; expected ${USAGE}`);
  }
}

/** A name that npm, Docker, Compose, Kubernetes and a file can all have. */
function requireName(name: string): void {
  const fits = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) && name.length <= LONGEST_NAME;
  if (!fits) {
    throw new UsageError(
      `"${name}" is no name of a service; expected at most ${LONGEST_NAME} small letters, digits and hyphens between them, such as my-api`,
    );
  }
  if (builtinModules.includes(name) || name === "node-modules") {
    throw new UsageError(`npm refuses the name ${name}, which is one of Node's; choose another`);
  }
  if (name === OLD_NAME) throw new UsageError(`the service is called ${name} already`);
}

async function requireClean(): Promise<void> {
  const changed = await outputOf("git", "-C", ROOT, "status", "--porcelain");
  if (changed !== "") {
    throw new Error(`there are changes that are not committed; commit or stash them:\n${changed}`);
  }
}

/** Licences are others' words, lockfiles are made by tools. */
const isKept = (path: string) =>
  /^(LICENSE|licenses\/.+\/.+)$|(^|\/)bun\.lock$|\.(png|db)$/.test(path);

/** What the texts of a file are about besides the name, by where it is. */
const isAboutBooks = (path: string) =>
  /\.md$|^(compose\.yml|deploy\/.+|src\/.+)$/.test(path) &&
  !/\.test\.ts$|^src\/(transfer\/copy|service|books)\.ts$|\/migrations\//.test(path);

/** Every change, in memory: later ones of a file begin with what earlier ones made of it. */
async function changesFor(options: Options): Promise<Change[]> {
  const { name, added, keepBooks } = options;
  const { resource } = added;
  const resources: Resource[] = keepBooks ? [books, resource] : [resource];
  const texts = new Map<string, string | undefined>();
  const apply = (changes: readonly Change[]) => {
    for (const { path, content } of changes) texts.set(path, content);
  };

  apply(moveExample({ keepBooks }));
  apply(firstMigrations(resources));
  apply(mount(added, keepBooks ? [books] : []));
  const service = read(SERVICE);
  apply([{ path: SERVICE, content: serviceWith(service, options) }]);
  if (!keepBooks) apply([{ path: BOOKS_TEST }]);

  const files = (await outputOf("git", "-C", ROOT, "ls-files")).split("\n");
  for (const path of new Set([...files, ...texts.keys()])) {
    if (isRemoved(path)) texts.set(path, undefined);
    else if (!isKept(path)) change(path);
  }
  return [...texts].map(([path, content]) =>
    content === undefined ? { path } : { path, content },
  );

  function change(path: string): void {
    const before = texts.has(path) ? texts.get(path) : read(path);
    if (before === undefined) return;
    const after = renamed(rewritten(path, before, options), name);
    const to = renamed(path, name);
    if (to !== path) apply([{ path }, { path: to, content: after }]);
    else if (texts.has(path) || after !== before) apply([{ path, content: after }]);
  }
}

/** The service with the new resource, and without the books where these go. */
function serviceWith(source: string, { added, keepBooks }: Options): string {
  const more = withResource(source, added);
  if (keepBooks) return more;
  return withoutResource(more, "books").replace(
    "a file like books.ts",
    `a file like ${added.file}`,
  );
}

const read = (path: string) => readFileSync(fromRoot(path), "utf8");

/** What is done with a file besides its name: most files stay as they are. */
function rewritten(path: string, text: string, options: Options): string {
  const { name, added, keepBooks } = options;
  const edit = EDITS[path];
  let next = edit ? edit(text, options) : text;
  if (!keepBooks && /\.ts$/.test(path)) next = withMovedImports(path, next);
  if (path.endsWith(".md")) next = withoutRemoved(path, next);
  if (VERSIONED_FILES.includes(path)) next = withVersion(path, next, FIRST_VERSION);
  if (path === "README.md") next = withIntroduction(next, introduction(name, added.resource));
  return !keepBooks && isAboutBooks(path) ? ofResource(next, added.resource) : next;
}

const descriptionOf = ({ name, added }: Options) =>
  `${titleOfService(name)}: an HTTP API with ${added.resource.name.replaceAll("_", " ")}.`;

/** Files that say more of this service than its name. */
const EDITS: Readonly<Record<string, (text: string, options: Options) => string>> = {
  "package.json": (text, options) => {
    const manifest = JSON.parse(text);
    const scripts = Object.entries<string>(manifest.scripts)
      .filter(([script]) => !REMOVED_SCRIPTS.test(script))
      .map(([script, command]) => [script, command.split(" && ").filter(staysIn).join(" && ")]);
    return `${JSON.stringify(
      {
        ...manifest,
        name: options.name,
        version: FIRST_VERSION,
        description: descriptionOf(options),
        scripts: Object.fromEntries(scripts),
      },
      null,
      2,
    )}\n`;
  },
  "README.md": (text) =>
    text
      .replace(", [library](docs/library.md)", "")
      .replace(/^\| \[?Scaling.+\n/m, "")
      .replace("; its parts in your own Hono app", ""),
  "docs/limits.md": (text) => text.replace(/`bun bench\/[^`]+`, /, ""),
  // Its migrations come after one, not after five.
  "docs/fork.md": (text) =>
    text
      .replaceAll(/(?<=\b000)[67](?=-)|(?<=version: )[67]/g, (number) => `${Number(number) - 4}`)
      .replaceAll(/(?<=compatibleFrom: |`compatibleFrom` stays at )4/g, "1"),
  Dockerfile: (text, options) =>
    text.replace("A production-ready HTTP API that fits in a thimble", descriptionOf(options)),
  "CHANGELOG.md": (text) => `${text.slice(0, text.indexOf("## Unreleased"))}## Unreleased\n`,
  "src/package/index.ts": (text, { keepBooks }) =>
    keepBooks ? text : text.replace(/^export \{ books \}.+\n/m, ""),
  "tsconfig.json": (text) => text.replace(', "bench"', "").replace('"test/package/consumer", ', ""),
  "biome.json": (text) => text.replace(', "bench/**"', "").replace(/,\s*"!bench[^"]+"/g, ""),
  "bunfig.toml": (text) => text.replace(', "bench/**"', ""),
  ".gitignore": (text) => text.replace(/^bench\/.+\n/gm, ""),
  ".github/dependabot.yml": (text) => text.replace(/, \/bench\/\w+/g, ""),
};

const staysIn = (command: string) => !/ bench\//.test(command);

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  await requireClean();
  console.log(make(await changesFor(options)).join("\n"));
  console.log(
    `\nThis is ${options.name} now. Look at "git diff", run "npm run check", and commit it.`,
  );
}

if (import.meta.main) await runMain(main);
