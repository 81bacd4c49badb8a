import { type DomainError, deadlineExceeded } from "../../errors.ts";
import { type Deadline, withDeadline } from "../../time.ts";
import { STATEMENT_TIMEOUT_MS } from "./connection.ts";
import { unavailableError } from "./errors.ts";

/**
 * How long an operation may take in all, waiting for a connection included. The server's own timeout
 * cannot fire where the server has vanished.
 */
export const OPERATION_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 1000;

/** How long the answer to what takes effect is waited for, so that callers learn the true outcome. */
const OUTCOME_GRACE_MS = 1000;

/** What an operation must know of its time. */
export type OperationTime = {
  /** Aborts when the time is over; its reason is the operation's error. */
  signal: AbortSignal;
  /**
   * To be called right before COMMIT is sent, which cannot be taken back.
   *
   * @throws the signal's reason when the time is over.
   */
  beginCommit: () => void;
  /**
   * To be called right before a statement is sent that takes effect by itself. It is cancelled when the time
   * is over, and may have taken effect by then.
   *
   * @throws the signal's reason when the time is over.
   */
  beginChange: () => void;
};

/** What was sent last: what can be given up, a statement that takes effect by itself, or COMMIT. */
type Stage = "work" | "change" | "commit";

type TimeOptions = {
  deadline?: Deadline | undefined;
  /** Called when the time is over; `wasFull` where it was the longest that an operation may take. */
  onExpiry?: (wasFull: boolean) => void;
};

/**
 * Runs an operation until its deadline, but for 6 s at most.
 *
 * @throws {DomainError} `request_timeout` at the deadline, or `store_unavailable` after the 6 s.
 */
export async function runInTime<T>(
  work: (time: OperationTime) => Promise<T>,
  { deadline = Number.POSITIVE_INFINITY, onExpiry }: TimeOptions = {},
): Promise<T> {
  const left = deadline - performance.now();
  if (left <= 0) throw deadlineExceeded();
  const isFull = left >= OPERATION_TIMEOUT_MS;
  const time = new AbortController();
  let stage: Stage = "work";
  const begin = (next: Stage) => {
    time.signal.throwIfAborted();
    stage = next;
  };
  const abort = () => time.abort(isFull ? noAnswer() : deadlineExceeded());
  const expire = () => {
    abort();
    onExpiry?.(isFull);
    throw time.signal.reason;
  };
  const done = work({
    signal: time.signal,
    beginCommit: () => begin("commit"),
    beginChange: () => begin("change"),
  });
  return withDeadline(done, Math.min(left, OPERATION_TIMEOUT_MS), () => {
    if (stage === "work") return expire();
    if (stage === "change") abort();
    return withDeadline(done, OUTCOME_GRACE_MS, expire);
  });
}

/** Waits for something that may take any time. */
export type Patiently = <T>(long: Promise<T>) => Promise<T>;

/**
 * Runs work that may take any time in some places, which it hands to `patiently`. Between them, a server
 * that does not answer for 6 s is given up.
 *
 * @throws {DomainError} `store_unavailable` at once, even where the work itself waits on.
 */
export async function failOnSilence<T>(work: (patiently: Patiently) => Promise<T>): Promise<T> {
  const silence = Promise.withResolvers<never>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const listen = () => {
    if (isOver) return;
    timer = setTimeout(() => silence.reject(noAnswer()), OPERATION_TIMEOUT_MS);
  };
  const patiently: Patiently = async (long) => {
    clearTimeout(timer);
    try {
      return await long;
    } finally {
      listen();
    }
  };
  listen();
  try {
    return await Promise.race([work(patiently), silence.promise]);
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
}

/** The error of an operation that took too long. */
export function noAnswer(): DomainError {
  return unavailableError(new Error(`No answer within ${OPERATION_TIMEOUT_MS} ms`));
}
