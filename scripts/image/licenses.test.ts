import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import bunTypes from "bun-types/package.json";
import { packageManager } from "../../package.json";
import { inTemporaryDirectory } from "../../test/service.ts";
import { bundledPackages } from "./bundled-packages.ts";
import { type Component, collectLicenses } from "./licenses.ts";
import { npmComponent, operatingSystem } from "./sbom.ts";

setDefaultTimeout(30_000);

const ROOT = join(import.meta.dir, "../..");

/** A project and a Debian with these files, whose licences are collected into `out`. */
async function inProject(
  files: Record<string, string>,
  use: (project: {
    collect: (...components: Component[]) => Promise<void>;
    path: (file: string) => string;
    out: (file: string) => string;
  }) => Promise<void>,
) {
  await inTemporaryDirectory(async (root) => {
    const path = (file: string) => join(root, file);
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(path(file)), { recursive: true });
      writeFileSync(path(file), text);
    }
    const places = { root, debianDocs: path("doc"), commonLicenses: path("common") };
    const collect = (...components: Component[]) =>
      collectLicenses(components, path("out"), places);
    await use({ collect, path, out: (file) => readFileSync(path(`out/${file}`), "utf8") });
  });
}

const component = (purl: string, name: string, expression = "MIT"): Component => ({
  name,
  version: "1.2.3",
  purl: `pkg:${purl}@1.2.3`,
  licenses: [{ expression }],
});
const manifest = (version: string) => JSON.stringify({ version });

describe("a component's texts", () => {
  test("are all that its package has", async () => {
    const files = {
      "node_modules/@a/b/package.json": manifest("1.2.3"),
      "node_modules/@a/b/LICENSE": "the licence",
      "node_modules/@a/b/NOTICE.md": "a notice",
      "node_modules/@a/b/b.js.LICENSE.txt": "of what is in it",
      "node_modules/@a/b/license.js": "code",
      "node_modules/@a/b/README.md": "no licence",
    };
    await inProject(files, async ({ collect, out, path }) => {
      await collect(component("npm/%40a/b", "@a/b"));
      expect(out("@a/b/LICENSE")).toBe("the licence");
      expect(out("@a/b/NOTICE.md")).toBe("a notice");
      expect(out("@a/b/b.js.LICENSE.txt")).toBe("of what is in it");
      expect(existsSync(path("out/@a/b/README.md"))).toBe(false);
    });
  });

  test("are of its version, where two are installed", async () => {
    const files = {
      "node_modules/b/package.json": manifest("2.0.0"),
      "node_modules/b/LICENSE": "of 2",
      "node_modules/a/node_modules/b/package.json": manifest("1.2.3"),
      "node_modules/a/node_modules/b/LICENSE": "of 1",
    };
    await inProject(files, async ({ collect, out }) => {
      await collect(component("npm/b", "b"));
      expect(out("b/LICENSE")).toBe("of 1");
    });
  });

  test("are those in licenses/, where it came without", async () => {
    const files = {
      "node_modules/b/package.json": manifest("1.2.3"),
      "licenses/b/LICENSE": "put there by hand",
      "licenses/c/copyright": "put there too",
    };
    await inProject(files, async ({ collect, out }) => {
      await collect(component("npm/b", "b"), component("deb/debian/c", "c"));
      expect(out("b/LICENSE")).toBe("put there by hand");
      expect(out("c/copyright")).toBe("put there too");
    });
  });

  test("are Debian's own before those in licenses/, and files also where Debian has links", async () => {
    const files = {
      "doc/libc-common/copyright": "Debian's",
      "licenses/libc/copyright": "older",
      "common/LGPL-2.1": "the long text",
    };
    await inProject(files, async ({ collect, out, path }) => {
      symlinkSync("libc-common", path("doc/libc"));
      await collect(component("deb/debian/libc", "libc"));
      expect(out("libc/copyright")).toBe("Debian's");
    });
  });

  test("are the project's, for what it makes", async () => {
    await inProject({ LICENSE: "its own" }, async ({ collect, out }) => {
      await collect(component("generic/thimble", "thimble"));
      expect(out("thimble/LICENSE")).toBe("its own");
    });
  });
});

test("the long texts that Debian's files refer to come once, next to them", async () => {
  const files = { "doc/libc6/copyright": "LGPL", "common/LGPL-2.1": "the long text" };
  await inProject(files, async ({ collect, out }) => {
    await collect(component("deb/debian/libc6", "libc6", "LGPL-2.1-or-later"));
    expect(out("common-licenses/LGPL-2.1")).toBe("the long text");
  });
});

test("a component without a text ends it, with its name, and nothing is collected", async () => {
  const files = { LICENSE: "its own", "node_modules/b/package.json": manifest("1.2.3") };
  await inProject(files, async ({ collect, path }) => {
    await expect(
      collect(component("generic/thimble", "thimble"), component("npm/b", "b")),
    ).rejects.toThrow("b@1.2.3 came without a licence text; put it into licenses/b/");
    expect(existsSync(path("out"))).toBe(false);
  });
});

test("a component that may not be bundled ends it, with its name", async () => {
  await inProject({ LICENSE: "its own" }, async ({ collect }) => {
    await expect(collect(component("npm/b", "b", "GPL-3.0-only"))).rejects.toThrow(
      "b@1.2.3 is under GPL-3.0-only",
    );
  });
});

test("as a command it says in one line what is missing", async () => {
  await inTemporaryDirectory(async (directory) => {
    const sbom = join(directory, "sbom.json");
    const components = [component("npm/no-such-package", "no-such-package")];
    const metadata = { component: component("generic/thimble", "thimble") };
    writeFileSync(sbom, JSON.stringify({ metadata, components }));
    const { exitCode, stderr } = Bun.spawnSync(
      [process.execPath, "scripts/image/licenses.ts", sbom, join(directory, "out")],
      { cwd: ROOT },
    );
    expect(stderr.toString()).toMatch(/^thimble: no-such-package@1\.2\.3 came without .+\n$/);
    expect(exitCode).toBe(1);
  });
});

test("the operating system, which is not in an image, needs no licence", async () => {
  await inTemporaryDirectory(async (directory) => {
    const sbom = join(directory, "sbom.json");
    const components = [operatingSystem({ name: "debian", version: "13" })];
    const metadata = { component: component("generic/thimble", "thimble") };
    writeFileSync(sbom, JSON.stringify({ metadata, components }));
    const { exitCode, stderr } = Bun.spawnSync(
      [process.execPath, "scripts/image/licenses.ts", sbom, join(directory, "out")],
      { cwd: ROOT },
    );
    expect(stderr.toString()).toBe("");
    expect(exitCode).toBe(0);
    expect(readdirSync(join(directory, "out"))).toEqual(["thimble"]);
  });
});

test("a library inside of a component needs none of its own: that one has it", async () => {
  await inTemporaryDirectory(async (directory) => {
    const sbom = join(directory, "sbom.json");
    const part = { "bom-ref": "pkg:conan/sqlite3@1", type: "library", name: "sqlite3" };
    const dependencies = [{ ref: "pkg:npm/bun@1", dependsOn: [part["bom-ref"]] }];
    const metadata = { component: component("generic/thimble", "thimble") };
    writeFileSync(sbom, JSON.stringify({ metadata, components: [part], dependencies }));
    const { exitCode, stderr } = Bun.spawnSync(
      [process.execPath, "scripts/image/licenses.ts", sbom, join(directory, "out")],
      { cwd: ROOT },
    );
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
    expect(readdirSync(join(directory, "out"))).toEqual(["thimble"]);
  });
});

for (const runtime of ["bun", "node", "deno", "workers", "lambda"]) {
  test(`all that is bundled for ${runtime} may be, and has its text`, async () => {
    const { metafile } = await Bun.build({
      entrypoints: [join(ROOT, `src/adapters/${runtime}.ts`)],
      target: runtime === "bun" ? "bun" : "node",
      external: ["cloudflare:*"],
      metafile: true,
    });
    const packages = metafile ? await bundledPackages(metafile) : [];
    expect(packages.map(({ name }) => name)).toContain("hono");
    await inTemporaryDirectory(async (directory) => {
      writeFileSync(join(directory, "Apache-2.0"), "the long text");
      const places = { root: ROOT, debianDocs: directory, commonLicenses: directory };
      await collectLicenses(packages.map(npmComponent), join(directory, "out"), places);
    });
  });
}

test("the text of Bun is that of the Bun that is pinned", async () => {
  expect(packageManager).toBe(`bun@${bunTypes.version}`);
  const published = join(ROOT, "node_modules/bun-types/docs/project/license.mdx");
  expect(await Bun.file(join(ROOT, "licenses/bun/LICENSE.md")).text()).toBe(
    await Bun.file(published).text(),
  );
});
