import { expect, test } from "bun:test";
import { until } from "../../test/service.ts";
import { createLogger } from "../telemetry/logger.ts";
import { watchFileDescriptors } from "./file-descriptors.ts";

/** It changes the limits of a process that runs; part of util-linux. */
const HAS_PRLIMIT = Bun.which("prlimit") !== null;
const reason = HAS_PRLIMIT ? "" : " (skipped: there is no prlimit here)";

const CONFIG = { maxConcurrentRequests: 1, databasePoolSize: 1 };

function openLog() {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  return {
    lines,
    logger: createLogger({ level: "INFO", format: "text", clock: () => 0, write }),
  };
}

test.if(HAS_PRLIMIT)(
  `without file descriptors, idle connections are closed, and the log says so once${reason}`,
  async () => {
    const { lines, logger } = openLog();
    let closed = 0;
    const closeIdleConnections = () => {
      closed += 1;
    };
    const stop = watchFileDescriptors({
      config: CONFIG,
      servers: [{ closeIdleConnections }],
      logger,
    });
    // It has been started before, since nothing can be started without file descriptors.
    const limits = Bun.spawn(
      [
        "sh",
        "-c",
        'before=$(prlimit --pid "$0" --nofile --output SOFT --noheadings); ' +
          'prlimit --pid "$0" --nofile=3:; read -r _; prlimit --pid "$0" --nofile="$((before)):"',
        String(process.pid),
      ],
      { stdin: "pipe" },
    );
    try {
      await until("connections are closed twice", () => closed >= 2);
    } finally {
      limits.stdin.write("\n");
      await limits.stdin.end();
      expect(await limits.exited).toBe(0);
      stop();
    }
    expect(lines).toEqual([expect.stringContaining("no file descriptor is left")]);
  },
);

test("a limit that is too low for the other limits is a warning at the start", () => {
  const { lines, logger } = openLog();
  const config = { ...CONFIG, maxConcurrentRequests: 1_000_000_000 };
  watchFileDescriptors({ config, servers: [{ closeIdleConnections() {} }], logger })();
  expect(lines).toEqual([expect.stringContaining("the limit of open files is lower than")]);
});

test("a server that cannot close idle connections is not watched", () => {
  const { lines, logger } = openLog();
  const config = { ...CONFIG, maxConcurrentRequests: 1_000_000_000 };
  watchFileDescriptors({ config, servers: [{}], logger })();
  expect(lines).toEqual([]);
});
