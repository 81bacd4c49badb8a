import type { Sql } from "postgres";
import { withDeadline } from "../../time.ts";
import { unavailableError } from "./errors.ts";
import type { ServerRole } from "./url.ts";

/** How long a new connection may take to answer its first statement. */
const FIRST_ANSWER_MS = 1000;

/** One of the servers where a database may be. */
export type Server = {
  /** Makes a pool of the driver's that has one connection, which is opened by its first statement. */
  connect: (onClose: () => void) => Sql;
  /** How long it may take to accept a connection. */
  connectTimeoutMs: number;
  /** Which of several servers will do: `any` by default. */
  role?: ServerRole | undefined;
};

const STATE = `SELECT pg_is_in_recovery() AS is_standby,
  current_setting('transaction_read_only') = 'on' AS is_read_only`;

/**
 * Opens a connection to the first of these servers that answers, and has the role that is wanted.
 *
 * The driver's own list of hosts is not used: where none of them accepts a connection, it tries them again
 * and again without a pause, and never says why.
 *
 * @throws {DomainError} `store_unavailable`; its cause says what the last server did.
 */
export async function openConnection(
  servers: readonly Server[],
  onClose: (sql: Sql) => void,
): Promise<Sql> {
  let cause: unknown;
  for (const server of servers) {
    try {
      return await openTo(server, onClose);
    } catch (error) {
      cause = error;
    }
  }
  throw unavailableError(cause);
}

async function openTo(server: Server, onClose: (sql: Sql) => void): Promise<Sql> {
  const sql = server.connect(() => onClose(sql));
  const limitMs = server.connectTimeoutMs + FIRST_ANSWER_MS;
  try {
    await withDeadline(requireRole(sql, server), limitMs, () => {
      throw new Error(`No answer on a new connection within ${limitMs} ms`);
    });
    return sql;
  } catch (error) {
    void sql.end({ timeout: 0 });
    throw error;
  }
}

async function requireRole(sql: Sql, { role = "any" }: Server): Promise<void> {
  const [state] = await sql.unsafe(STATE);
  if (role === "primary" && state?.is_standby) throw new Error("The server is a standby");
  if (role === "read-write" && state?.is_read_only) throw new Error("The server is read-only");
}
