import type { Sql, TransactionSql } from "postgres";

/** Anything else that is written with the driver's tag is a part of a statement. */
const STATEMENT = /^\s*(?:SELECT|INSERT|UPDATE|DELETE)\b/;

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The driver tells statements apart by these objects, so each of them has one that ends in a comment. */
const withComments = new WeakMap<TemplateStringsArray, TemplateStringsArray>();

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

  function run(first: unknown, rest: unknown[]): unknown {
    if (!isStatement(first)) return Reflect.apply(sql, undefined, [first, ...rest]);
    const args = [withPlaceForComment(first), ...rest, sql.unsafe(comment)];
    return unprepared(Reflect.apply(sql, undefined, args));
  }

  return new Proxy(sql, {
    apply: (_sql, _this, [first, ...rest]) => run(first, rest),
    get(target, name) {
      if (name !== "begin" || !("begin" in target)) return Reflect.get(target, name);
      return (work: (transaction: TransactionSql) => unknown) =>
        target.begin((transaction) => work(commented(transaction, traceparent)));
    },
  });
}

function isStatement(strings: unknown): strings is TemplateStringsArray {
  return Array.isArray(strings) && "raw" in strings && STATEMENT.test(String(strings[0]));
}

function withPlaceForComment(strings: TemplateStringsArray): TemplateStringsArray {
  const known = withComments.get(strings);
  if (known) return known;
  const longer = Object.assign([...strings, ""], { raw: [...strings.raw, ""] });
  withComments.set(strings, longer);
  return longer;
}

/** The driver has no other way to say so of one statement with parameters than this, its own. */
function unprepared(query: unknown): unknown {
  const { options } = query as { options: { prepare?: boolean } };
  options.prepare = false;
  return query;
}
