import { expect } from "bun:test";

export type Service = {
  apiKey: string;
  fetch: (path: string, init?: RequestInit) => Promise<Response>;
};

const WRITERS = 8;

/** Adds a book; resolves with its id if the service acknowledged it, else with `undefined`. */
export async function addBook(service: Service, title: string): Promise<number | undefined> {
  try {
    const response = await service.fetch("/books", {
      method: "POST",
      headers: { "X-API-Key": service.apiKey, "Content-Type": "application/json" },
      body: JSON.stringify({ title, author: "A Writer", year: 2000 }),
    });
    return response.status === 201 ? (await response.json()).id : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Adds books from several connections at once, calls `disturb` when `before` of them are acknowledged,
 * and continues until each writer gets a refusal.
 *
 * @returns the titles of the acknowledged books, by id.
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
      const title = `Book ${count} of writer ${writer}`;
      const id = await addBook(service, title);
      if (id === undefined) return;
      acknowledged.set(id, title);
      if (acknowledged.size >= before) disturbing ??= disturb();
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  await disturbing;
  return acknowledged;
}

export async function expectBooks(service: Service, books: Map<number, string>): Promise<void> {
  for (const [id, title] of books) {
    const response = await service.fetch(`/books/${id}`);
    expect(await response.json()).toMatchObject({ id, title });
  }
}
