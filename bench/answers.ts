/** An answer of a service, for a comparison. */
export type Answer = { status: number; headers: Record<string, string>; body: string };

/** Headers of the connection, which say nothing of the service. */
const OF_THE_CONNECTION = ["date", "content-length", "connection", "keep-alive", "server"];

/** Values that differ from answer to answer, and what stands for them in a comparison. */
const CHANGING = [
  [/"(timestamp)":"[^"]*"/g, '"$1":"…"'],
  [/"(uptime_seconds)":[\d.]+/g, '"$1":0'],
] as const;

/** Asks once, for what an answer holds apart from the connection. */
export async function ask(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  const entries = [...response.headers].filter(([name]) => !OF_THE_CONNECTION.includes(name));
  return {
    status: response.status,
    headers: Object.fromEntries(entries),
    body: await response.text(),
  };
}

/** An answer as every contender has to give it: without what differs from answer to answer. */
export function comparable({ status, headers, body }: Answer): Answer {
  const pairs = Object.entries(headers).map(([name, value]) => [name, stable(name, value)]);
  return {
    status,
    headers: Object.fromEntries(pairs),
    body: CHANGING.reduce((text, [value, stand]) => text.replace(value, stand), body),
  };
}

function stable(name: string, value: string): string {
  if (name === "x-request-id") return "…";
  if (name === "ratelimit") return value.replace(/\b([rt])=\d+/g, "$1=0");
  if (name === "content-type") return value.toLowerCase().replace(/;\s*charset=utf-8$/, "");
  return value;
}

/** What differs between two answers, in words; nothing if they are the same. */
export function differences(expected: Answer, found: Answer): string[] {
  const [a, b] = [comparable(expected), comparable(found)];
  const names = new Set([...Object.keys(a.headers), ...Object.keys(b.headers)]);
  const parts = [
    ["status", String(a.status), String(b.status)],
    ...[...names].sort().map((name) => [name, a.headers[name], b.headers[name]]),
    ["body", a.body, b.body],
  ];
  return parts
    .filter(([, expected, found]) => expected !== found)
    .map(([part, expected, found]) => `${part}: ${expected ?? "none"}, here ${found ?? "none"}`);
}
