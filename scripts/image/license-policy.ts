/** SPDX identifiers (https://spdx.org/licenses/) of what may be bundled, whatever it is. */
const ALLOWED: ReadonlySet<string> = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
  "Unlicense",
]);

type Exception = { licenses: readonly string[]; reason: string };

/** What these components may have besides, by their names in the bill of materials. */
export const EXCEPTIONS: Readonly<Record<string, Exception>> = {
  bun: {
    licenses: [
      "IJG",
      "LGPL-2.0-or-later",
      "LGPL-2.1-only",
      "Unicode-3.0",
      "Zlib",
      "blessing",
      "libpng-2.0",
    ],
    reason: "Bun's own build links them; source and build are public, so that they can be relinked",
  },
  libc6: {
    licenses: ["LGPL-2.1-or-later"],
    reason: "a shared library, in files of its own that can be replaced",
  },
};

export type Licensed = { name: string; version: string; license: string };

/**
 * Whether a component may be bundled under its SPDX expression: of an OR one side has to be allowed,
 * of an AND both.
 *
 * @throws {Error} where it may not, or where the expression is none; the message names the component.
 */
export function requireAllowed({ name, version, license }: Licensed): void {
  const exceptions = EXCEPTIONS[name]?.licenses ?? [];
  const allowed = (id: string) => ALLOWED.has(id) || exceptions.includes(id);
  const satisfied = isSatisfied(license, allowed);
  if (satisfied === undefined) {
    throw new Error(`${name}@${version}: "${license}" is no SPDX license expression`);
  }
  if (satisfied) return;
  throw new Error(
    `${name}@${version} is under ${license}, which scripts/image/license-policy.ts does not allow`,
  );
}

/** The identifiers in an SPDX expression; one with its exception is one: `GPL-2.0-only WITH X`. */
export function identifiersOf(expression: string): string[] {
  const identifiers: string[] = [];
  isSatisfied(expression, (id) => {
    identifiers.push(id);
    return true;
  });
  return identifiers;
}

/**
 * Reads an expression by SPDX's grammar (https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/),
 * in which AND binds closer than OR. Every identifier is asked for once.
 *
 * @returns whether it is satisfied; undefined where it is no expression.
 */
function isSatisfied(expression: string, allowed: (id: string) => boolean): boolean | undefined {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  const take = (token: string) => tokens[0] === token && tokens.shift() !== undefined;
  let wellFormed = true;

  const either = (): boolean => {
    let satisfied = both();
    while (take("OR")) satisfied = both() || satisfied;
    return satisfied;
  };
  const both = (): boolean => {
    let satisfied = one();
    while (take("AND")) satisfied = one() && satisfied;
    return satisfied;
  };
  const one = (): boolean => {
    if (!take("(")) return allowed(identifier());
    const satisfied = either();
    wellFormed &&= take(")");
    return satisfied;
  };
  const identifier = (): string => {
    const id = word();
    return take("WITH") ? `${id} WITH ${word()}` : id;
  };
  const word = (): string => {
    const token = tokens.shift() ?? "";
    wellFormed &&= /^(?!(AND|OR|WITH)$)[\w.:+-]+$/.test(token);
    return token;
  };

  const satisfied = either();
  return wellFormed && tokens.length === 0 ? satisfied : undefined;
}
