import { setImmediate } from "node:timers";

/** With so few answers in a turn, none waits. */
const SENT_AT_ONCE = 3;

/**
 * Makes a function that every answer asks when it may be sent: the first ones of a turn of the event loop at
 * once, the others together at its end, by the promise that it returns.
 *
 * It may be told the port of the client. Requests one after another from the same one arrived together, and Bun
 * closes their connection where one of them has to wait (https://github.com/oven-sh/bun/issues/33664).
 *
 * To send an answer wakes its client, which can cost more CPU time than to make the answer, above all on
 * a virtual machine. A client that is already awake costs nothing more.
 */
export function sendTogether(): (port?: number) => Promise<void> | undefined {
  let answers = 0;
  let lastPort: number | undefined;
  let turnEnd = Promise.resolve();
  return (port) => {
    if (answers === 0) {
      turnEnd = new Promise((resolve) => {
        setImmediate(() => {
          answers = 0;
          lastPort = undefined;
          resolve();
        });
      });
    }
    answers += 1;
    const isNext = port !== undefined && port === lastPort;
    lastPort = port;
    return answers > SENT_AT_ONCE && !isNext ? turnEnd : undefined;
  };
}
