import type { Scope } from "../../src/auth/key.ts";
import { books } from "../../src/books.ts";
import { readScope, writeScope } from "../../src/resources/resource.ts";

/** What the service of the tests stores, whatever resources the service itself has by now. */
export const RESOURCES = [books] as const;

export const SCOPES: readonly Scope[] = [
  ...RESOURCES.flatMap((resource) => [readScope(resource), writeScope(resource)]),
  ...["process", "metrics", "admin"],
];
