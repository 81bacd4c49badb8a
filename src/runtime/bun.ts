import { listen } from "./bun-server.ts";
import { runProgram } from "./program.ts";

await runProgram(listen);
