// Measures time and memory of the compiled binary while it imports, exports, backs up and restores a
// million books: SQLite, then PostgreSQL.
//
//   bun bench/data.ts [BOOKS]     TEST_DATABASE_URL may name a server to use
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { markdownTable } from "../scripts/shell/markdown-table.ts";
import { createBooks } from "../test/created-books.ts";
import { freshDatabase } from "../test/postgres.ts";
import { compiledBinary } from "../test/service.ts";
import { progress } from "./progress.ts";

const BOOKS = Number(process.argv[2] ?? 1_000_000);
const BATCH = 5000;
const SAMPLE_INTERVAL_MS = 20;

const directory = mkdtempSync(join(tmpdir(), "thimble-bench-"));
const file = (name: string) => join(directory, name);

function writeLines(path: string): void {
  const fd = openSync(path, "w");
  const { next } = createBooks();
  for (let done = 0; done < BOOKS; done += BATCH) {
    const count = Math.min(BATCH, BOOKS - done);
    writeSync(fd, Array.from({ length: count }, () => `${JSON.stringify(next())}\n`).join(""));
  }
  closeSync(fd);
}

/** A command's duration, its processor time and its peak memory. */
async function measure(databaseUrl: string, ...args: string[]): Promise<string> {
  progress(`${args[0]} ${databaseUrl.split(":")[0]}`);
  const program = await compiledBinary();
  const startedAt = performance.now();
  const child = Bun.spawn([program, ...args], {
    env: { DATABASE_URL: databaseUrl, DATA_DIR: directory },
    stdout: "ignore",
    stderr: "pipe",
  });
  let peak = 0;
  const sampling = setInterval(() => {
    peak = peakMemory(child.pid) ?? peak;
  }, SAMPLE_INTERVAL_MS);
  const said = await new Response(child.stderr).text();
  const code = await child.exited;
  clearInterval(sampling);
  if (code !== 0) throw new Error(`${args.join(" ")}: ${said}`);
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuSeconds = Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6;
  return `${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s, ${peak.toFixed(0)} MiB`;
}

/**
 * The peak memory of a running process, in MiB. After its end, the system's figure would include memory
 * of its parent, from before it became a separate program.
 */
function peakMemory(pid: number): number | undefined {
  try {
    const kib = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}

/** One column of the table: each command on one kind of database. `second` has no books yet. */
async function measureAll(name: string, first: string, second: string, third: string) {
  const plain = file("plain.ndjson");
  const whole = file(`${name}.ndjson`);
  const backup = file(`${name}.backup`);
  return [
    await measure(first, "import", plain),
    await measure(first, "export", whole),
    await measure(first, "backup", backup),
    await measure(second, "restore", backup),
    await measure(third, "import", whole),
  ];
}

const ROWS = [
  "`import`, new books",
  "`export`",
  "`backup`",
  "`restore`",
  "`import`, what was exported",
];

const databases = await Promise.all([freshDatabase(), freshDatabase(), freshDatabase()]);
try {
  progress("writing lines");
  writeLines(file("plain.ndjson"));
  const sqlite = (name: string) => `sqlite:${file(name)}`;
  const columns = [
    await measureAll("sqlite", sqlite("1.db"), sqlite("2.db"), sqlite("3.db")),
    await measureAll("postgres", databases[0].url, databases[1].url, databases[2].url),
  ];
  console.log("Each: seconds, seconds of processor time, peak memory.\n");
  const rows = ROWS.map((row, index) => [row, ...columns.map((column) => column[index] ?? "")]);
  console.log(markdownTable([`${BOOKS} books`, "SQLite", "PostgreSQL"], rows));
} finally {
  for (const { drop } of databases) await drop();
  rmSync(directory, { recursive: true, force: true });
}
process.exit(0);
