import { setImmediate } from "node:timers";

/** With so few answers in a turn, none waits. */
const SENT_AT_ONCE = 3;

/**
 * Makes a function that every answer asks when it may be sent: the first ones of a turn of the event loop at
 * once, the others together at its end, by the promise that it returns.
 *
 * To send an answer wakes its client, which can cost more CPU time than to make the answer, above all on
 * a virtual machine. A client that is already awake costs nothing more.
 */
export function sendTogether(): () => Promise<void> | undefined {
  let answers = 0;
  let turnEnd = Promise.resolve();
  return () => {
    if (answers === 0) {
      turnEnd = new Promise((resolve) => {
        setImmediate(() => {
          answers = 0;
          resolve();
        });
      });
    }
    answers += 1;
    return answers > SENT_AT_ONCE ? turnEnd : undefined;
  };
}
