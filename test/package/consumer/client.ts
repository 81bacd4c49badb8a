import { hc } from "hono/client";
import type { AppType, books, EntryOf } from "thimble";
import type { Library } from "./library.ts";

type Book = EntryOf<typeof books>;

/** Adds a book to the library and reads it again. */
export async function lend(origin: string, apiKey: string): Promise<Book> {
  const { library } = hc<Library>(origin, { headers: { "X-API-Key": apiKey } });
  const added = await library.$post({
    json: { title: "Emma", author: "Jane Austen", year: 1815 },
  });
  if (added.status !== 201) throw new Error((await added.json()).detail);
  const { id } = await added.json();
  const found = await library[":id"].$get({ param: { id: String(id) } });
  if (found.status !== 200) throw new Error(`HTTP ${found.status}`);
  return found.json();
}

/** Asks the service for a text's version as an IP address. */
export async function ipVersion(origin: string, apiKey: string, ip: string) {
  const client = hc<AppType>(origin, { headers: { "X-API-Key": apiKey } });
  const response = await client.api.v1.process.$post({ json: { action: "validate_ip", ip } });
  if (response.status !== 200) throw new Error((await response.json()).detail);
  const answer = await response.json();
  return answer.action === "validate_ip" ? answer.version : null;
}

/** The compiler must refuse these. */
export function wrong(origin: string) {
  const { library, loans } = hc<Library>(origin);
  // @ts-expect-error a book needs a year
  void library.$post({ json: { title: "Emma", author: "Jane Austen" } });
  // @ts-expect-error a loan is lent or returned
  void loans.$post({ json: { title: "Emma", borrower: "Anne", due: "", state: "lost" } });
  void loans.$post({ json: { title: "Emma", borrower: "Anne", due: "2027-01-31T18:00:00Z" } });
  // @ts-expect-error there is no such order
  void library.$get({ query: { sort: "price" } });
}
