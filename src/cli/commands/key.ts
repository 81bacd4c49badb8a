import { randomBytes } from "node:crypto";
import { digestOf, type Key } from "../../auth/key.ts";
import { KeyLineError, parseKeyWords } from "../../auth/key-file.ts";
import { EXIT } from "../../server/failure.ts";
import type { Runtime } from "../../server/runtime.ts";
import { SCOPES } from "../../service.ts";
import { rfc3339 } from "../../time.ts";
import { parseArguments } from "../arguments.ts";
import { UsageError } from "../command.ts";

/** By which people, and scanners of source code, tell a key from other random text. */
const PREFIX = "thb_";

/** The length of the digest: too long to guess, so that the digest needs no salt and no slow hash. */
const SECRET_BYTES = 32;

/**
 * `thimble key new NAME --scope SCOPE[,SCOPE]`: makes a key, and prints its line of a key file on standard
 * output and the key itself on standard error, so that `>>` adds the line and no file gets the key.
 *
 * @throws {UsageError} that says which argument is wrong.
 */
export async function runKeyCommand(
  args: readonly string[],
  { clock, stdout, stderr }: Pick<Runtime, "clock" | "stdout" | "stderr">,
): Promise<number> {
  const words = describeKey(args, clock());
  // In base64url, RFC 4648 section 5.
  const secret = PREFIX + randomBytes(SECRET_BYTES).toString("base64url");
  stdout([...words.head, `sha256:${await digestOf(secret)}`, ...words.dates].join(" "));
  stderr(`The key ${words.head[0]}, which is shown only now:\n${secret}`);
  return EXIT.ok;
}

/** The words of the key's line, but for the digest. */
function describeKey(args: readonly string[], now: number) {
  const { values, positionals } = parseArguments(args, {
    scope: { type: "string", multiple: true },
    "not-before": { type: "string" },
    expires: { type: "string" },
  });
  const [verb, name = "", ...rest] = positionals;
  if (verb !== "new") throw new UsageError("expected new, and the name of the new key");
  if (rest.length > 0) throw new UsageError(`unexpected argument: ${rest[0]}`);
  const head = [name, (values.scope ?? []).join(",")];
  const dates = (["not-before", "expires"] as const).flatMap((option) => {
    const date = values[option];
    return date === undefined ? [] : [`${option}=${date}`];
  });
  const { expires } = expectKey([...head, `sha256:${"0".repeat(2 * SECRET_BYTES)}`, ...dates]);
  if (expires !== undefined && expires <= now) {
    throw new UsageError(
      `--expires has to be later than now; ${values.expires} is ${rfc3339(expires)}, which is over`,
    );
  }
  return { head, dates };
}

/** What goes into a file is what is accepted in a file. */
function expectKey(words: readonly string[]): Key {
  try {
    return parseKeyWords(words, SCOPES);
  } catch (error) {
    throw error instanceof KeyLineError ? new UsageError(error.message) : error;
  }
}
