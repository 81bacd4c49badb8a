import process from "node:process";
import { EXIT } from "../server/failure.ts";
import { createLineWriter } from "../server/output/line-writer.ts";
import { createLogOutput } from "../server/output/log-output.ts";
import type { Runtime } from "../server/runtime.ts";
import { onHangup, untilSignal } from "../server/signals.ts";
import { runCli } from "./cli.ts";

/** Runs the program in this process, and ends it: what Bun, Node and Deno have in common. */
export async function runProgram({
  listen,
  sha256,
  memoryLeft,
}: Pick<Runtime, "listen" | "sha256" | "memoryLeft">): Promise<never> {
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
    sha256,
    memoryLeft,
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
