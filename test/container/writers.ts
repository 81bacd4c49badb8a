import { expect } from "bun:test";
import { RESOURCES } from "../../src/service.ts";
import { inputOf } from "../resources/values.ts";

export type Service = {
  apiKey: string;
  fetch: (path: string, init?: RequestInit) => Promise<Response>;
};

const WRITERS = 8;

/** The images offer what the service offers, whatever that is; these tests use the first of it. */
export const [RESOURCE] = RESOURCES;
export const PATH = `/${RESOURCE.name}`;

/** The field whose values differ from entry to entry: the first with a text, if there is one. */
const LABEL = Object.entries(RESOURCE.fields).find(
  ([, field]) => field.schema("It").safeParse("A").success,
);

/** A new entry with as much of a label as it can hold. */
export function entryWith(label: string): Record<string, unknown> {
  const input: Record<string, unknown> = inputOf(RESOURCE);
  if (!LABEL) return input;
  const [name, field] = LABEL;
  const characters = [...label];
  while (!field.schema("It").safeParse(characters.join("")).success) characters.pop();
  return { ...input, [name]: characters.join("") };
}

/** Adds an entry; resolves with its id if the service acknowledged it, else with `undefined`. */
export async function addEntry(service: Service, label: string): Promise<number | undefined> {
  try {
    const response = await service.fetch(PATH, {
      method: "POST",
      headers: { "X-API-Key": service.apiKey, "Content-Type": "application/json" },
      body: JSON.stringify(entryWith(label)),
    });
    return response.status === 201 ? (await response.json()).id : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Adds entries from several connections at once, calls `disturb` when `before` of them are acknowledged,
 * and continues until each writer gets a refusal.
 *
 * @returns the labels of the acknowledged entries, by id.
 */
export async function writeUntilRefused(
  service: Service,
  before: number,
  disturb: () => Promise<unknown>,
): Promise<Map<number, string>> {
  const acknowledged = new Map<number, string>();
  let disturbing: Promise<unknown> | undefined;
  const write = async (writer: number) => {
    for (let count = 0; ; count += 1) {
      const label = `Entry ${count} of writer ${writer}`;
      const id = await addEntry(service, label);
      if (id === undefined) return;
      acknowledged.set(id, label);
      if (acknowledged.size >= before) disturbing ??= disturb();
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  await disturbing;
  return acknowledged;
}

export async function expectEntries(service: Service, labels: Map<number, string>): Promise<void> {
  for (const [id, label] of labels) {
    const response = await service.fetch(`${PATH}/${id}`);
    expect(await response.json()).toMatchObject({ id, ...entryWith(label) });
  }
}
