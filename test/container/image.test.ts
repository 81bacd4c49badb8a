import { Database } from "bun:sqlite";
import { beforeAll, describe, expect, test } from "bun:test";
import packageJson from "../../package.json" with { type: "json" };
import { changesOfBun } from "../../scripts/build/changes.ts";
import { buildArguments } from "../../scripts/build/labels.ts";
import { filesOfImage, type ImageFile, SBOM } from "../../scripts/image/files.ts";
import { systemOf } from "../../scripts/image/sbom.ts";
import { TARGETS } from "../../scripts/release/tags.ts";
import { docker } from "../../scripts/shell/commands.ts";
import { packagesOf } from "./bundle.ts";
import { readImageFile, runToEnd, startContainer } from "./container.ts";
import { tagOf } from "./images.ts";

type Part = Partial<Component> & { cpe?: string };
type Dependency = { ref: string; dependsOn: string[] };
type Component = {
  type: string;
  "bom-ref": string;
  name: string;
  version: string;
  purl: string;
  licenses: { expression: string }[];
  evidence?: { occurrences: { location: string }[] };
  pedigree?: { ancestors: { purl: string }[]; notes: string };
};

const SYSTEM = "operating-system";
/** The base image in the Dockerfile. */
const BASE = `oven/bun:${packageJson.packageManager.replace("bun@", "")}-slim`;

for (const target of TARGETS) {
  const image = tagOf(target);

  describe(`${target}: what the image says`, () => {
    let config: Record<string, unknown> & { Labels: Record<string, string> };

    beforeAll(async () => {
      config = JSON.parse(await docker("image", "inspect", "--format={{json .Config}}", image));
    });

    test("it runs as a user by number, on its port, and is stopped by SIGTERM", () => {
      expect(config).toMatchObject({
        User: "65532:65532",
        ExposedPorts: { "5000/tcp": {} },
        Volumes: { "/data": {} },
        Entrypoint: ["/thimble"],
        StopSignal: "SIGTERM",
      });
      expect(config.Cmd ?? null).toBeNull();
    });

    test("its health check needs no shell, and gives it time to start", () => {
      expect(config.Healthcheck).toMatchObject({
        Test: ["CMD", "/thimble", "healthcheck"],
        StartPeriod: 10_000_000_000,
      });
    });

    test("it is for production, with its data in /data", () => {
      expect(config.Env).toEqual(
        expect.arrayContaining(["ENVIRONMENT=production", "DATA_DIR=/data"]),
      );
    });

    test("its labels name the commit that it was built from", () => {
      const { SOURCE, VERSION, REVISION, CREATED } = buildArguments();
      expect(config.Labels).toMatchObject({
        "org.opencontainers.image.source": SOURCE,
        "org.opencontainers.image.version": VERSION,
        "org.opencontainers.image.revision": REVISION,
        "org.opencontainers.image.created": CREATED,
        "org.opencontainers.image.licenses": packageJson.license,
      });
      expect(VERSION).toStartWith(packageJson.version);
      expect(REVISION).toMatch(/^[0-9a-f]{40}$/);
      expect(new Date(CREATED ?? "").getTime()).toBeGreaterThan(0);
    });
  });

  describe(`${target}: what is in the image`, () => {
    let files: ImageFile[];
    let components: Component[];
    let parts: Part[];
    let systems: object[];
    const named = (name: string) => components.find((component) => component.name === name);

    beforeAll(async () => {
      files = await filesOfImage(image);
      const document = JSON.parse(await readImageFile(image, SBOM));
      const inside = new Set(
        document.dependencies.flatMap(({ dependsOn }: Dependency) => dependsOn),
      );
      const isPart = (each: Component) => inside.has(each["bom-ref"]);
      parts = document.components.filter(isPart);
      components = document.components.filter(
        (each: Component) => each.type !== SYSTEM && !isPart(each),
      );
      systems = document.components.filter(({ type }: Component) => type === SYSTEM);
    });

    test("the bill of materials names the Debian release of the libraries", async () => {
      const osRelease = await docker("run", "--rm", "--entrypoint=cat", BASE, "/etc/os-release");
      expect(systems).toEqual([
        { type: SYSTEM, "bom-ref": expect.any(String), ...systemOf(osRelease) },
      ]);
    });

    test("the executable, its libraries, their list and licences, and a place for data; no shell", () => {
      const paths = files
        .filter(({ path, mode }) => !mode.startsWith("d") && !path.startsWith("licenses/"))
        .map(({ path }) => path);
      const libraries = paths.filter((path) => /^lib(64)?\/(.*\/)?[\w+-]+\.so(\.\d+)?$/.test(path));
      expect(libraries.length).toBeGreaterThan(0);
      expect(new Set(paths)).toEqual(new Set(["thimble", "sbom.cdx.json", ...libraries]));
      expect(files).toContainEqual({
        path: "data/",
        mode: "drwxrwxrwt",
        owner: "65532/65532",
        size: 0,
      });
    });

    test("only root can change files, except the data", () => {
      const writable = files.filter(({ mode, owner }) => mode[8] === "w" || owner !== "0/0");
      expect(writable.map(({ path }) => path)).toEqual(["data/"]);
    });

    test("the bill of materials names each bundled package, and no other", async () => {
      const purls = components
        .map(({ purl }) => purl)
        .filter((purl) => purl.startsWith("pkg:npm/"));
      const container = await startContainer(target);
      const bundled = await packagesOf(container);
      await container.remove();
      const expected = [packageJson.packageManager, ...bundled];
      expect(purls.toSorted()).toEqual(
        expected.map((each) => `pkg:npm/${each.replace(/^@/, "%40")}`).toSorted(),
      );
    });

    test("the bill of materials names the version of Bun, and says how it was changed", () => {
      const bun = named("bun");
      expect(`bun@${bun?.version}`).toBe(packageJson.packageManager);
      expect(bun?.pedigree?.ancestors).toEqual([expect.objectContaining({ purl: bun?.purl })]);
      expect(bun?.pedigree?.notes).toBe(changesOfBun(new Set()).join(" "));
    });

    test("the bill of materials names what is inside of Bun, as scanners look it up", () => {
      // These tests run on the same Bun.
      expect(named("bun")?.version).toBe(Bun.version);
      using database = new Database(":memory:");
      const { version } = database.query("SELECT sqlite_version() AS version").get() as {
        version: string;
      };
      expect(parts).toContainEqual({
        type: "library",
        "bom-ref": `pkg:conan/sqlite3@${version}`,
        name: "sqlite3",
        version,
        purl: `pkg:conan/sqlite3@${version}`,
        cpe: `cpe:2.3:a:sqlite:sqlite:${version}:*:*:*:*:*:*:*`,
      });
      const names = parts.map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(["boringssl", "icu", "zlib-ng"]));
    });

    test("the bill of materials names each library, in the loader's own version", async () => {
      const located = components.flatMap(({ evidence }) => evidence?.occurrences ?? []);
      const libraries = files.filter(
        ({ path, mode }) => /^lib/.test(path) && !mode.startsWith("d"),
      );
      expect(located.map(({ location }) => location).toSorted()).toEqual(
        libraries.map(({ path }) => `/${path}`).toSorted(),
      );
      const loader = libraries.find(({ path }) => /\/ld-linux/.test(path))?.path;
      const { stdout } = await runToEnd(target, [`--entrypoint=/${loader}`], ["--version"]);
      expect(stdout).toContain(`Debian GLIBC ${named("libc6")?.version}`);
    });

    test("the bill of materials names the launcher's parts, if there is a launcher", () => {
      const names = components.map(({ name }) => name);
      const launcher = ["thimble-launcher", "libxxhash-dev", "libzstd-dev", "musl-dev"];
      expect(names.filter((name) => launcher.includes(name))).toEqual(
        target === "tiny" ? launcher : [],
      );
    });

    test("has a licence text of every component, and the long texts to which these refer", async () => {
      const texts = files.filter(({ path, size }) => path.startsWith("licenses/") && size > 0);
      const folders = new Set(texts.map(({ path }) => path.replace(/^licenses\/|\/[^/]+$/g, "")));
      const names = [packageJson.name, ...components.map(({ name }) => name)];
      expect(folders).toEqual(new Set([...names, "common-licenses"]));
      const lgpl = await readImageFile(image, "/licenses/common-licenses/LGPL-2.1");
      expect(lgpl).toContain("GNU LESSER GENERAL PUBLIC LICENSE");
      expect(await readImageFile(image, "/licenses/hono/LICENSE")).toContain("MIT License");
    });

    test("every component has a version, a licence and an address", () => {
      for (const { name, version, licenses, purl } of components) {
        expect([name, version, licenses[0]?.expression, purl]).toEqual([
          expect.stringMatching(/./),
          expect.stringMatching(/^\d/),
          expect.stringMatching(/./),
          expect.stringMatching(/^pkg:(npm|deb|generic)\/[^ ]+@[^ ]+$/),
        ]);
      }
    });
  });
}
