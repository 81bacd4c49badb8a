import { expect, test } from "bun:test";
import { until } from "../../test/service.ts";
import { createLogger } from "../telemetry/logger.ts";
import { watchFileDescriptors } from "./file-descriptors.ts";

const CONFIG = { maxConcurrentRequests: 1, databasePoolSize: 1 };

function openLog() {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  return {
    lines,
    logger: createLogger({ level: "INFO", format: "text", clock: () => 0, write }),
  };
}

test("without file descriptors, idle connections are closed, and the log says so once", async () => {
  const { lines, logger } = openLog();
  let closed = 0;
  const closeIdleConnections = () => {
    closed += 1;
  };
  const stop = watchFileDescriptors({
    config: CONFIG,
    servers: [{ closeIdleConnections }],
    logger,
    isOut: () => true,
  });
  try {
    await until("connections are closed twice", () => closed >= 2);
  } finally {
    stop();
  }
  expect(lines).toEqual([expect.stringContaining("no file descriptor is left")]);
});

test("with file descriptors, nothing is closed", async () => {
  const { lines, logger } = openLog();
  let closed = 0;
  const closeIdleConnections = () => {
    closed += 1;
  };
  const servers = [{ closeIdleConnections }];
  const stop = watchFileDescriptors({ config: CONFIG, servers, logger });
  // This one begins later with the same interval, so when it looks, the other has looked.
  let hasLooked = false;
  const isOut = () => {
    hasLooked = true;
    return false;
  };
  const stopOther = watchFileDescriptors({ config: CONFIG, servers, logger, isOut });
  await until("both have looked", () => hasLooked);
  stop();
  stopOther();
  expect([closed, lines]).toEqual([0, []]);
});

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
