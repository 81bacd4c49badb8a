import { runProgram } from "../cli/program.ts";
import { listen } from "./bun-server.ts";

await runProgram({
  listen,
  // Bun loads this sooner than node:crypto.
  sha256: (text) => Bun.CryptoHasher.hash("sha256", text, "hex"),
});
