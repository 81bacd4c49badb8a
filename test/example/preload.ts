// Before every test file, and before the program that tests run from source (bunfig.toml, test/program.ts).
import { plugin } from "bun";
import { example } from "./plugin.ts";

plugin(example);
