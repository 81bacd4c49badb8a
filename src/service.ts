import { version } from "../package.json" with { type: "json" };
import type { Scope } from "./auth/key.ts";
import { books } from "./books.ts";
import { readScope, writeScope } from "./resources/resource.ts";

/** What makes this service this one. */
export const SERVICE = { name: "thimble", title: "Thimble", version } as const;

/** Everything that the service stores. A new resource is a file like books.ts, and an entry here. */
export const RESOURCES = [books] as const;

/** Every scope that a key may have. */
export const SCOPES: readonly Scope[] = [
  ...RESOURCES.flatMap((resource) => [readScope(resource), writeScope(resource)]),
  ...["process", "metrics", "admin"],
];
