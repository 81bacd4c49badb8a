/** A media type (RFC 9110 section 8.3.1), in lower case but for the values of its parameters. */
export type MediaType = {
  type: string;
  subtype: string;
  /** By name. Of a name that comes twice, the first counts. */
  parameters: ReadonlyMap<string, string>;
};

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = String.raw`"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"`;
const TYPE = new RegExp(`^[ \t]*(${TOKEN})/(${TOKEN})[ \t]*`);

/** A parameter after its semicolon, or nothing there (RFC 9110 section 5.6.6). */
const PARAMETER = new RegExp(`;[ \t]*(?:(${TOKEN})=(?:(${TOKEN})|(${QUOTED})))?[ \t]*`, "y");

/** Reads the value of a Content-Type header field; `undefined` if it is malformed. */
export function parseMediaType(text: string): MediaType | undefined {
  const [start, type = "", subtype = ""] = TYPE.exec(text) ?? [];
  if (start === undefined) return undefined;
  const parameters = new Map<string, string>();
  let end = start.length;
  while (end < text.length) {
    PARAMETER.lastIndex = end;
    const [whole, name, token, quoted] = PARAMETER.exec(text) ?? [];
    if (whole === undefined) return undefined;
    end += whole.length;
    if (name === undefined || parameters.has(name.toLowerCase())) continue;
    parameters.set(name.toLowerCase(), token ?? unquoted(quoted));
  }
  return { type: type.toLowerCase(), subtype: subtype.toLowerCase(), parameters };
}

function unquoted(quoted = ""): string {
  return quoted.slice(1, -1).replace(/\\(.)/g, "$1");
}
