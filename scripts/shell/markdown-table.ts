/**
 * A table of GitHub's Markdown (https://github.github.com/gfm/#tables-extension-), whatever its cells hold.
 *
 * @param align `l` or `r` for each column, as numbers are read best; without it the reader's own choice.
 */
export function markdownTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  align?: string,
): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = align
    ? line([...align].map((side) => (side === "r" ? "--:" : "---")))
    : `|${"---|".repeat(heads.length)}`;
  return [line(heads), rule, ...rows.map(line)].join("\n");
}

/** Bytes as a cell of megabytes: `44.6`. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
