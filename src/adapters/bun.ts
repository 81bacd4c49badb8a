import { runProgram } from "../cli/program.ts";
import { memoryLeft } from "../server/memory.ts";
import { listen } from "./bun-server.ts";

await runProgram({
  listen,
  memoryLeft,
  // Bun loads this sooner than node:crypto.
  sha256: (text) => Bun.CryptoHasher.hash("sha256", text, "hex"),
});
