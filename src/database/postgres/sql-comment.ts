import type { Sql, TransactionSql } from "postgres";
import { withPart, wrapped } from "./wrapped-sql.ts";

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The same connections, on which every statement ends in a comment that names the request it belongs to,
 * by which the server's log and `pg_stat_activity` lead to its trace. The server does not keep these
 * statements prepared, as there is none that comes twice.
 *
 * @param traceparent as the header of that name; anything else is left out.
 * @see https://google.github.io/sqlcommenter/spec/
 */
export function commented<Client extends Sql | TransactionSql>(
  sql: Client,
  traceparent: string,
): Client {
  if (!TRACEPARENT.test(traceparent)) return sql;
  const comment = ` /*traceparent='${traceparent}'*/`;
  return wrapped(sql, {
    statement: (client, strings, values) =>
      unprepared(withPart(client, strings, values, client.unsafe(comment))),
    transaction: (transaction, work) => work(commented(transaction, traceparent)),
  });
}

/** The driver has no other way to say so of one statement with parameters than this, its own. */
function unprepared(query: unknown): unknown {
  const { options } = query as { options: { prepare?: boolean } };
  options.prepare = false;
  return query;
}
