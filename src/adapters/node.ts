import process from "node:process";
import { engines, name } from "../../package.json" with { type: "json" };
import { EXIT } from "../server/failure.ts";

const OLDEST = engines.node.replace(">=", "");

/** Whether a version, such as `22.16.0`, is at least another one. */
function isAtLeast(version: string, oldest: string): boolean {
  return version.localeCompare(oldest, "en", { numeric: true }) >= 0;
}

if (!isAtLeast(process.versions.node, OLDEST)) {
  console.error(`${name}: this needs Node ${OLDEST} or later; this is ${process.versions.node}`);
  process.exit(EXIT.failure);
}
// Only now, because an older Node cannot load what it imports.
await import("./node/program.ts");
