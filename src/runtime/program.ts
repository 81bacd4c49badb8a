import process from "node:process";
import { runCli } from "./cli.ts";
import { EXIT } from "./failure.ts";
import { createLineWriter } from "./line-writer.ts";
import { createLogOutput } from "./log-output.ts";
import type { Runtime } from "./runtime.ts";
import { onHangup, untilSignal } from "./signals.ts";

/** Runs the program in this process, and ends it: what Bun, Node and Deno have in common. */
export async function runProgram(listen: Runtime["listen"]): Promise<never> {
  const out = createLineWriter(1);
  const err = createLineWriter(2);
  process.on("exit", () => {
    out.flush();
    err.flush();
  });
  const code = await runCli(process.argv.slice(2), {
    env: process.env,
    clock: Date.now,
    stdout: out.write,
    stderr: err.write,
    openLog,
    listen,
    untilSignal,
    onHangup,
    onCrash,
  });
  process.exit(code);
}

function openLog(onLost: (lines: number) => void): (line: string) => void {
  const { write, flush } = createLogOutput({ fd: 1, onLost });
  process.on("exit", flush);
  return write;
}

/**
 * Without this, a runtime says what happened in many lines on standard error, in no format that a
 * collector of logs reads.
 */
function onCrash(report: (error: unknown) => void): void {
  const crash = (error: unknown) => {
    try {
      report(error);
    } finally {
      // What is buffered is written on the way.
      process.exit(EXIT.failure);
    }
  };
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
}
