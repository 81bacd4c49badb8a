// Measures both images, and fails where one is larger than docs/containers.md allows:
//
//   bun scripts/image/budget.ts [IMAGE]     (by default the service's: the images IMAGE:standard and IMAGE:tiny)
//
// The table goes to the page of the run, and to dist/image-budget.md for a comment.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { name } from "../../package.json" with { type: "json" };
import { TARGETS, type Target } from "../release/tags.ts";
import { docker, requireEngine } from "../shell/commands.ts";
import { addSummary } from "../shell/github.ts";
import { runMain } from "../shell/main.ts";
import { markdownTable, megabytes } from "../shell/markdown-table.ts";
import { filesOfLayer } from "./files.ts";

const MB = 1_000_000;
const REPORT = "dist/image-budget.md";
/** The level that docker-build-push.yml pushes with. */
const ZSTD_LEVEL = 19;

/** Bytes: of the files in an image, and of what is pulled where its layers are zstd. */
export type Size = { image: number; pull: number };

/** The most that each image may take. docs/containers.md says so too. */
export const BUDGETS: Record<Target, Size> = {
  standard: { image: 106 * MB, pull: 37 * MB },
  tiny: { image: 37.5 * MB, pull: 35.5 * MB },
};

export type Row = { target: Target; size: Size; budget: Size };

/** The sizes as Markdown: each with its budget, and what is left of it. */
export function budgetTable(rows: readonly Row[]): string {
  const lines = rows.flatMap(({ target, size, budget }) =>
    (["image", "pull"] as const).map((what) => {
      const left = ((budget[what] - size[what]) / 1000).toFixed();
      const verdict = size[what] > budget[what] ? "**too large**" : "fits";
      return [target, what, megabytes(size[what]), megabytes(budget[what]), left, verdict];
    }),
  );
  const heads = ["image", "what", "MB", "at most, MB", "left, kB", ""];
  return (
    `### Image sizes\n\n${markdownTable(heads, lines, "llrrrl")}\n\n` +
    "Image: the files in it. Pull: the same as zstd."
  );
}

export function fits({ size, budget }: Row): boolean {
  return size.image <= budget.image && size.pull <= budget.pull;
}

/**
 * The files are counted, not asked for: what an engine says of an image's size depends on how it
 * stores images.
 */
export async function sizeOf(image: string): Promise<Size> {
  const directory = await mkdtemp(join(tmpdir(), "thimble-size-"));
  const container = await docker("create", image);
  try {
    const tar = join(directory, "files.tar");
    await docker("export", `--output=${tar}`, container);
    const files = filesOfLayer(tar).reduce((sum, { size }) => sum + size, 0);
    const packed = await Bun.zstdCompress(await Bun.file(tar).bytes(), { level: ZSTD_LEVEL });
    return { image: files, pull: packed.length };
  } finally {
    await docker("rm", "--volumes", container);
    await rm(directory, { recursive: true });
  }
}

async function main(): Promise<void> {
  const [image = name] = process.argv.slice(2);
  await requireEngine();
  const rows: Row[] = [];
  for (const target of TARGETS) {
    const size = await sizeOf(`${image}:${target}`);
    rows.push({ target, size, budget: BUDGETS[target] });
  }
  const table = budgetTable(rows);
  await mkdir("dist", { recursive: true });
  await Bun.write(REPORT, `${table}\n`);
  addSummary(table);
  const large = rows.filter((row) => !fits(row)).map(({ target }) => target);
  if (large.length > 0) throw new Error(`larger than its budget: ${large.join(", ")}`);
}

if (import.meta.main) await runMain(main);
