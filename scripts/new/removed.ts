/** What a new service does not need, and why. */
export const REMOVED: readonly { path: string; why: string }[] = [
  { path: "scripts/new", why: "this script, and what it is made of: a service gets its name once" },
  { path: "bench", why: "it measures this service, next to others" },
  { path: "docs/benchmarks.md", why: "the figures of this service" },
  { path: "docs/performance.md", why: "the figures of this service" },
  { path: "docs/scaling.md", why: "the figures of this service" },
  { path: "docs/screenshots", why: "they show the books" },
  { path: "docs/library.md", why: "a fork has the source, and needs no package of it" },
  { path: "test/package", why: "it uses the books of the package as another project would" },
  { path: "test/fork-guide.test.ts", why: "it follows docs/fork.md from the books on" },
  { path: "test/container/contract.test.ts", why: "the images no longer have the books" },
];

/** Whether a file, by its path from the root, is one of them or in one of them. */
export function isRemoved(file: string): boolean {
  return REMOVED.some(({ path }) => file === path || file.startsWith(`${path}/`));
}

/** Sections of documents that are about what is removed, by their headings. */
export const REMOVED_SECTIONS: Readonly<Record<string, readonly string[]>> = {
  "docs/data.md": ["A million books"],
};

/** Scripts of package.json that start what is removed. */
export const REMOVED_SCRIPTS = /^(new|bench.*)$/;
