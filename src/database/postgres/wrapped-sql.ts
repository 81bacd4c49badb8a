import type { Sql, TransactionSql } from "postgres";
import { transact } from "./transaction.ts";

/** Anything else that is written with the driver's tag is a part of a statement, or none with parameters. */
const STATEMENT = /^\s*(?:SELECT|INSERT|UPDATE|DELETE)\b/;

/** The driver tells statements apart by these objects, so each of them has one with a part more. */
const withOneMore = new WeakMap<TemplateStringsArray, TemplateStringsArray>();

type Work = (transaction: TransactionSql) => unknown;

type Wrapping = {
  /** Makes the statement of these strings and values. */
  statement: (
    sql: Sql | TransactionSql,
    strings: TemplateStringsArray,
    values: unknown[],
  ) => unknown;
  /** Does the work of a transaction that has begun. */
  transaction: (sql: TransactionSql, work: Work) => unknown;
};

/** The same connections, on which statements and transactions are what `wrapping` makes of them. */
export function wrapped<Client extends Sql | TransactionSql>(
  sql: Client,
  { statement, transaction }: Wrapping,
): Client {
  return new Proxy(sql, {
    apply: (client, _this, [first, ...rest]) =>
      isStatement(first)
        ? statement(client, first, rest)
        : Reflect.apply(client, undefined, [first, ...rest]),
    get(client, name) {
      if (name !== "begin" || !("begin" in client)) return Reflect.get(client, name);
      return (mode: string, work: Work) =>
        transact(client, mode, (begun) => transaction(begun, work));
    },
  });
}

/** Makes the statement with one more part at its end. */
export function withPart(
  sql: Sql | TransactionSql,
  strings: TemplateStringsArray,
  values: unknown[],
  part: unknown,
): unknown {
  return Reflect.apply(sql, undefined, [withPlaceAtEnd(strings), ...values, part]);
}

function isStatement(strings: unknown): strings is TemplateStringsArray {
  return Array.isArray(strings) && "raw" in strings && STATEMENT.test(String(strings[0]));
}

function withPlaceAtEnd(strings: TemplateStringsArray): TemplateStringsArray {
  const known = withOneMore.get(strings);
  if (known) return known;
  const longer = Object.assign([...strings, ""], { raw: [...strings.raw, ""] });
  withOneMore.set(strings, longer);
  return longer;
}
