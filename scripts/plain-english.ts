// Finds phrases that are hard to read for people who learned English at school:
//
//   bun run check:english
//
// It prints the place of each one, and what to write instead.
import { runMain } from "./shell/main.ts";

/** What to write instead of each phrase. Phrases match in any case and across line breaks. */
const PHRASES: Readonly<Record<string, string>> = {
  "unless told": "by default",
  "under way": "in progress, in flight",
  whoever: "callers, clients, a client that",
  "who asks": "callers, clients",
  whom: "callers, clients, a client that",
  "as many as": "the number of, up to",
  anew: "again",
  "once more": "again",
  beside: "next to, besides",
  behind: "after",
  "is told": "receives",
  "are told": "receive",
  wants: "requires, asks for",
  "cannot be had": "is unavailable",
  "of the database's": "the database's",
  "of its turn": "that batch",
  "what is not done in time": "work that misses its deadline",
};

/** Identifiers that have a standard name. They match in this case only. */
const IDENTIFIERS: Readonly<Record<string, string>> = {
  Gatekeeper: "authenticator",
  Verdict: "AuthResult",
  letIn: "remember",
  outlasting: "withRequestTimeout",
  closingWhen: "closeConnectionWhen",
  expectLasting: "requirePersistent",
  expectBook: "requireEntry",
  sentPath: "encodedPath",
  learnClientAddress: "clientAddress",
  limitedNetwork: "addressPrefix",
};

/** Uses in which a phrase is the usual word. */
const REAL_USES: readonly string[] = [
  "behind a proxy",
  "behind the proxy",
  "behind a reverse proxy",
  "behind a load balancer",
  "behind HTTPS",
  "behind Hyperdrive",
  "behind PgBouncer",
  "behind nginx",
  "behind Caddy",
  "behind one interface",
  "leave nothing behind",
  "leaves nothing behind",
];

/** Text of others, data, and the lists above. Released sections of CHANGELOG.md are left out below. */
const LEFT_OUT =
  /^licenses\/|^LICENSE$|^bun\.lock$|\.json$|\.svg$|^scripts\/plain-english(\.test)?\.ts$/;

export type Finding = { line: number; phrase: string; instead: string };

/** A line break inside a phrase may be followed by the mark of a comment. */
const BETWEEN_WORDS = String.raw`\s+(?:(?://+|[*#>])[ \t]*)?`;

function pattern(phrase: string, flags: string): RegExp {
  const words = phrase.split(" ").map(RegExp.escape);
  return new RegExp(String.raw`\b${words.join(BETWEEN_WORDS)}\b`, flags);
}

const SEARCHES = [
  ...Object.entries(PHRASES).map(([phrase, instead]) => ({
    phrase,
    instead,
    search: pattern(phrase, "gi"),
  })),
  ...Object.entries(IDENTIFIERS).map(([phrase, instead]) => ({
    phrase,
    instead,
    // Also as the end of a longer name, such as `createGatekeeper`.
    search: new RegExp(`${phrase}(?![a-z])`, "g"),
  })),
];
const ALLOWED = REAL_USES.map((phrase) => pattern(phrase, "gi"));

/** The phrases in `text` that are hard to read, in their order. Lines count from 1. */
export function hardPhrases(text: string): Finding[] {
  // Line breaks stay, so that lines keep their numbers.
  const blank = (match: string) => match.replace(/\S/g, " ");
  const rest = ALLOWED.reduce((left, allowed) => left.replace(allowed, blank), text);
  return SEARCHES.flatMap(({ phrase, instead, search }) =>
    [...rest.matchAll(search)].map(({ index }) => ({
      line: rest.slice(0, index).split("\n").length,
      phrase,
      instead,
    })),
  ).toSorted((one, other) => one.line - other.line);
}

/** A changelog up to its first release: what is released is not written again. */
export function unreleased(changelog: string): string {
  return changelog.split(/^## \[?\d/m)[0] ?? "";
}

function trackedFiles(): string[] {
  const { stdout, success } = Bun.spawnSync(["git", "ls-files", "-z"]);
  if (!success) throw new Error("git cannot list the files; run this in a clone of the repository");
  return stdout.toString().split("\0").filter(Boolean);
}

async function findingsIn(path: string): Promise<string[]> {
  const file = Bun.file(path);
  // A tracked file that is deleted but not yet committed.
  if (!(await file.exists())) return [];
  const text = await file.text();
  if (text.includes("\0")) return [];
  const found = hardPhrases(path === "CHANGELOG.md" ? unreleased(text) : text);
  return found.map(
    ({ line, phrase, instead }) => `${path}:${line}: "${phrase}"; write: ${instead}`,
  );
}

async function main(): Promise<void> {
  const paths = trackedFiles().filter((path) => !LEFT_OUT.test(path));
  const findings = (await Promise.all(paths.map(findingsIn))).flat();
  for (const finding of findings) console.error(finding);
  if (findings.length > 0) throw new Error(`${findings.length} phrases are hard to read`);
  console.log(`${paths.length} files are in plain English`);
}

if (import.meta.main) await runMain(main);
