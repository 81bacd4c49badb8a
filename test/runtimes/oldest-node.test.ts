import { afterAll, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../scripts/build/runtimes.ts";
import { PLUGINS } from "../program.ts";
import { httpContractOf } from "../server.contract.ts";
import { HAS_OLDEST_NODE, oldestNodeCommand } from "./programs.ts";

setDefaultTimeout(60_000);

const home = mkdtempSync(join(tmpdir(), "thimble-oldest-node-"));
afterAll(() => rmSync(home, { recursive: true }));

// The program itself, its log and HTTPS are those of the newest Node.
if (HAS_OLDEST_NODE) {
  const bundled = bundle("node", home, PLUGINS);
  const program = async () => oldestNodeCommand(await bundled);
  httpContractOf("Node 22.16", program, ["SQLite", "PostgreSQL"]);
} else {
  test.skip("Node 22.16 (skipped: npm brings it for Linux on x64 alone)", () => {});
}
