import { versions as bunVersions } from "node:process";
import releases from "./bun-releases.json" with { type: "json" };

/** A library inside of a component; its licence is in that of the component. */
export type Part = { name: string; version?: string; purl: string; cpe?: string };

type Library = {
  /** What licenses/bun/LICENSE.md calls it; none for what that page only describes in prose. */
  listed?: string;
  /** Where its source is on GitHub. Bun's own forks (`oven-sh`) have no releases. */
  repository: string;
  /** Its package in https://conan.io/center, by which Trivy and OSV know libraries of C. */
  conan?: string;
  /** Vendor and product in NVD's dictionary, by which Grype knows them. */
  cpe?: string;
};

/** What is linked into Bun, by the key of `process.versions` that has its version, or its commit. */
export const LIBRARIES = {
  ares: {
    listed: "c-ares",
    repository: "c-ares/c-ares",
    conan: "c-ares",
    cpe: "c-ares:c-ares",
  },
  boringssl: { listed: "boringssl", repository: "oven-sh/boringssl" },
  icu: {
    listed: "libicu",
    repository: "unicode-org/icu",
    conan: "icu",
    cpe: "icu-project:international_components_for_unicode",
  },
  libarchive: {
    listed: "libarchive",
    repository: "libarchive/libarchive",
    conan: "libarchive",
    cpe: "libarchive:libarchive",
  },
  libdeflate: { listed: "libdeflate", repository: "ebiggers/libdeflate", conan: "libdeflate" },
  llhttp: { repository: "nodejs/llhttp", conan: "llhttp", cpe: "llhttp:llhttp" },
  lolhtml: { listed: "lol-html", repository: "oven-sh/lol-html" },
  lshpack: { listed: "ls-hpack", repository: "litespeedtech/ls-hpack" },
  mimalloc: { listed: "mimalloc", repository: "oven-sh/mimalloc" },
  picohttpparser: { listed: "picohttp", repository: "h2o/picohttpparser" },
  sqlite: {
    listed: "sqlite",
    repository: "sqlite/sqlite",
    conan: "sqlite3",
    cpe: "sqlite:sqlite",
  },
  tinycc: { listed: "tinycc", repository: "oven-sh/tinycc" },
  webkit: { repository: "oven-sh/WebKit" },
  zlib: { listed: "zlib-ng", repository: "zlib-ng/zlib-ng", conan: "zlib-ng" },
  zstd: {
    listed: "zstd",
    repository: "facebook/zstd",
    conan: "zstd",
    cpe: "facebook:zstandard",
  },
} as const satisfies Record<string, Library>;

/** What `process.versions` lacks, and the executable says. */
const NAMED_IN_EXECUTABLE: readonly (Library & { text: RegExp })[] = [
  {
    listed: "libjpeg-turbo",
    repository: "libjpeg-turbo/libjpeg-turbo",
    conan: "libjpeg-turbo",
    cpe: "libjpeg-turbo:libjpeg-turbo",
    text: /libjpeg-turbo version (\d+(?:\.\d+)+)/,
  },
];

/** Keys of `process.versions` that name what Bun is compatible with, or was built with, or its own source. */
export const NOT_LINKED: readonly string[] = [
  ...["bun", "modules", "napi", "node", "openssl", "typescript", "unicode", "usockets"],
  ...["uv", "uwebsockets", "v8", "zig"],
];

const SECTION = /^## Linked libraries$[\s\S]*?(?=^## )/m;

/** A row of the table there, but for those on Windows: a name and a repository on GitHub. */
const LISTED =
  /^\| \[`([\w-]+)`\]\(https:\/\/github\.com\/([\w-]+\/[\w.-]+)[^)]*\)(?! \(on Windows\))/gm;

const COMMIT = /^[0-9a-f]{40}$/;

/** @param executable the text of Bun's executable, a character for each byte. */
export function bunLibraries(
  license: string,
  executable: string,
  versions: Readonly<Record<string, string | undefined>> = bunVersions,
): Part[] {
  const known = [
    ...Object.entries<Library>(LIBRARIES).map(([key, library]) =>
      partOf(library, releaseOf(library, versions[key])),
    ),
    ...NAMED_IN_EXECUTABLE.map((library) => partOf(library, library.text.exec(executable)?.[1])),
  ];
  const named = new Set(
    [...Object.values<Library>(LIBRARIES), ...NAMED_IN_EXECUTABLE].map(({ listed }) => listed),
  );
  const listed = (SECTION.exec(license)?.[0] ?? "").matchAll(LISTED);
  const others = [...listed].filter(([, name]) => !named.has(name));
  return [
    ...known,
    ...others.map(([, name = "", repository = ""]) => ({ name, purl: githubPurl(repository) })),
  ];
}

/** Its names are the same in capitals, and written without (https://github.com/package-url/purl-spec). */
function githubPurl(repository: string): string {
  return `pkg:github/${repository.toLowerCase()}`;
}

/** The release that a commit is; the commit itself if it is none. */
function releaseOf({ repository }: Library, version: string | undefined): string | undefined {
  if (version === undefined || !COMMIT.test(version) || isFork(repository)) return version;
  const known = (releases as Record<string, { commit: string; release: string | null }>)[
    repository
  ];
  if (known?.commit !== version) {
    throw new Error(
      `bun-releases.json does not have ${repository} at ${version}; run bun scripts/image/bun-releases.ts`,
    );
  }
  return known.release ?? version;
}

export function isFork(repository: string): boolean {
  return repository.startsWith("oven-sh/");
}

/** @throws {Error} without a version. */
export function partOf(library: Library, version: string | undefined): Part {
  const { repository, conan, cpe } = library;
  const name = conan ?? library.listed ?? repository.split("/")[1] ?? repository;
  if (version === undefined) {
    throw new Error(
      `this Bun does not say its version of ${name}; update scripts/image/bun-libraries.ts`,
    );
  }
  if (conan === undefined || COMMIT.test(version)) {
    return { name, version, purl: `${githubPurl(repository)}@${version}` };
  }
  return {
    name,
    version,
    purl: `pkg:conan/${conan}@${version}`,
    ...(cpe && { cpe: `cpe:2.3:a:${cpe}:${version}:*:*:*:*:*:*:*` }),
  };
}
