import { markdownTable } from "../shell/markdown-table.ts";

/** A value of the chart, as values.yaml describes it. */
export type DescribedValue = { section: string; path: string; initial: string; comment: string };

const SECTION = /^## @section (.+)$/;
const COMMENT = /^ *## (.+)$/;
const KEY = /^( *)(\w+):(.*)$/;

/**
 * The values that a values.yaml describes by comments with two hashes. A block with such a comment above is one value;
 * a block without one consists of values.
 */
export function describedValues(yaml: string): DescribedValue[] {
  const values: DescribedValue[] = [];
  const parents: string[] = [];
  let section = "";
  let comments: string[] = [];
  /** The depth of a block that is one value; lines further in belong to it. */
  let inside = Number.POSITIVE_INFINITY;

  for (const line of yaml.split("\n")) {
    const [, heading] = SECTION.exec(line) ?? [];
    const [, comment] = COMMENT.exec(line) ?? [];
    const [, indent = "", name, rest = ""] = KEY.exec(line) ?? [];
    if (heading) section = heading;
    else if (comment) comments.push(comment);
    else if (name) readKey({ depth: indent.length / 2, name, initial: rest.trim() });
  }
  return values;

  function readKey({ depth, name, initial }: { depth: number; name: string; initial: string }) {
    if (depth > inside) return;
    inside = Number.POSITIVE_INFINITY;
    parents.length = depth;
    const path = [...parents, name].join(".");
    const comment = comments.join(" ");
    comments = [];
    if (initial === "" && comment === "") parents.push(name);
    else values.push({ section, path, initial, comment });
    if (initial === "" && comment !== "") inside = depth;
  }
}

/** The values of the chart for people, a table for each section. */
export function valuesTables(yaml: string): string {
  const sections = Map.groupBy(describedValues(yaml), ({ section }) => section);
  return [...sections]
    .map(([section, values]) => {
      const rows = values.map(({ path, initial, comment }) => [
        `\`${path}\``,
        initial === "" ? "see values.yaml" : `\`${initial}\``,
        comment,
      ]);
      return `### ${section}\n\n${markdownTable(["Value", "Default", "What it does"], rows)}`;
    })
    .join("\n\n");
}
