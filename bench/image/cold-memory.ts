// Measures in how much memory a container serves when nothing of its image is in the page cache, which is then
// charged to it: requests per second of several kinds of requests, by memory limit.
//
//   bun bench/image/cold-memory.ts IMAGE LIMIT...      such as thimble:standard 64m 96m 128m
//
// For each limit it loads the image again, and drops the caches of the whole machine, so it needs root. Needs
// Docker and wrk.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HARDENED } from "../../scripts/image/check-answers.ts";
import { docker, requireEngine } from "../../scripts/shell/commands.ts";
import { runMain } from "../../scripts/shell/main.ts";
import { markdownTable } from "../../scripts/shell/markdown-table.ts";
import { API_KEY } from "../api-key.ts";
import { firstAnswer } from "../first-answer.ts";
import { requireMachine } from "../machine.ts";
import { progress } from "../progress.ts";
import { requestsPerSecond } from "../wrk.ts";

const PATHS = ["/books/1", "/books?limit=50", "/books?q=d", "/openapi.json"];
const SECONDS = 3;

async function measure(image: string, archive: string, limit: string): Promise<string[]> {
  await docker("image", "rm", "--force", image);
  await docker("load", "--quiet", `--input=${archive}`);
  await dropCaches();
  const id = await docker(
    ...["run", "--detach", "--publish=127.0.0.1::5000", `--memory=${limit}`],
    ...[`--memory-swap=${limit}`, `--env=API_KEY=${API_KEY}`],
    ...["--env=RATE_LIMIT=off", "--env=SEED=true", ...HARDENED, image],
  );
  try {
    const [address] = (await docker("port", id, "5000")).split("\n");
    const url = `http://${address}`;
    await firstAnswer(`${url}/ready`, limit);
    const rates: string[] = [];
    for (const path of PATHS) {
      progress(`${limit}: ${path}`);
      rates.push(await rateOf(url + path));
    }
    const killed = await docker("inspect", "--format={{.State.OOMKilled}}", id);
    return [`\`${limit}\``, ...rates, killed === "true" ? "killed" : ""];
  } finally {
    await docker("rm", "--force", "--volumes", id);
  }
}

/** wrk counts requests that take longer than two seconds as errors. */
async function rateOf(url: string): Promise<string> {
  try {
    return String(Math.round(await requestsPerSecond(url, SECONDS)));
  } catch {
    return "timeouts";
  }
}

async function dropCaches(): Promise<void> {
  Bun.spawnSync(["sync"]);
  await Bun.write("/proc/sys/vm/drop_caches", "3");
}

async function main([image = "", ...limits]: string[]): Promise<void> {
  requireMachine(["wrk"]);
  await requireEngine();
  const directory = mkdtempSync(join(tmpdir(), "thimble-bench-"));
  const archive = join(directory, "image.tar");
  try {
    await docker("save", `--output=${archive}`, image);
    const rows: string[][] = [];
    for (const limit of limits) rows.push(await measure(image, archive, limit));
    const heads = ["`--memory`", ...PATHS.map((path) => `\`${path}\``), ""];
    console.log(markdownTable(heads, rows, "rrrrrl"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

await runMain(() => main(process.argv.slice(2)));
