import { runProgram } from "../cli/program.ts";
import { listen } from "./bun-server.ts";

await runProgram(listen);
