import { describe, expect, test } from "bun:test";
import { createLogger } from "../telemetry/logger.ts";
import { createInFlight, drain, runLastStep } from "./drain.ts";

function openLog() {
  const lines: { level: string; message: string }[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  return { lines, logger: createLogger({ level: "INFO", format: "json", clock: () => 0, write }) };
}

/** A server that records its calls, and has stopped when `stopped` resolves. */
function openServer(stopped: Promise<void>) {
  const told: string[] = [];
  const stop = () => {
    told.push("stop");
    return stopped;
  };
  return {
    told,
    server: {
      stop,
      inFlight: () => 3,
      closeAllConnections: () => void told.push("closeAllConnections"),
    },
  };
}

describe("a drain", () => {
  test("continues for the delay, and then stops", async () => {
    const { told, server } = openServer(Promise.resolve());
    const { lines, logger } = openLog();
    const drained = drain({ server, delaySeconds: 0.05, timeoutSeconds: 1, logger });
    expect(told).toEqual([]);
    await drained;
    expect({ told, lines }).toEqual({ told: ["stop"], lines: [] });
  });

  test("without a delay stops at once", () => {
    const { told, server } = openServer(Promise.resolve());
    void drain({ server, delaySeconds: 0, timeoutSeconds: 1, logger: openLog().logger });
    expect(told).toEqual(["stop"]);
  });

  test("cuts off requests that take longer than the timeout, and logs their number", async () => {
    const { told, server } = openServer(new Promise(() => {}));
    const { lines, logger } = openLog();
    await drain({ server, delaySeconds: 0, timeoutSeconds: 0.01, logger });
    expect(told).toEqual(["stop", "closeAllConnections"]);
    expect(lines).toMatchObject([
      { level: "WARNING", message: "requests cut off", requests: 3, drain_timeout_seconds: 0.01 },
    ]);
  });

  test("fails if the server's stop fails", async () => {
    const { server } = openServer(Promise.reject(new TypeError("a defect")));
    const { logger } = openLog();
    const drained = drain({ server, delaySeconds: 0, timeoutSeconds: 1, logger });
    expect(drained).rejects.toThrow("a defect");
  });
});

describe("a last step", () => {
  test("is waited for, and logs nothing", async () => {
    const { lines, logger } = openLog();
    let done = false;
    const run = async () => {
      await Bun.sleep(1);
      done = true;
    };
    await runLastStep({ name: "send what is left", run }, logger);
    expect({ done, lines }).toEqual({ done: true, lines: [] });
  });

  test("that fails is logged", async () => {
    const { lines, logger } = openLog();
    const run = () => Promise.reject(new Error("no route"));
    await runLastStep({ name: "send what is left", run }, logger);
    expect(lines).toMatchObject([
      { level: "WARNING", message: "could not send what is left", error: "Error: no route" },
    ]);
  });

  test("that never ends is logged", async () => {
    const { lines, logger } = openLog();
    const run = () => new Promise<never>(() => {});
    await runLastStep({ name: "close the store", run }, logger, 10);
    expect(lines).toMatchObject([
      { message: "could not close the store", error: "Error: not done within 10 ms" },
    ]);
  });
});

test("requests in flight are waited for until the last one ends", async () => {
  const inFlight = createInFlight();
  await inFlight.none();
  inFlight.begin();
  inFlight.begin();
  let isOver = false;
  const over = inFlight.none().then(() => {
    isOver = true;
  });
  inFlight.end();
  await Promise.resolve();
  expect([inFlight.count(), isOver]).toEqual([1, false]);
  inFlight.end();
  await over;
  expect(inFlight.count()).toBe(0);
});
