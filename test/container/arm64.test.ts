/**
 * Builds both images for arm64 on a machine of another architecture, and runs them in an emulator. It needs
 * QEMU's binfmt handlers and a local base image; a registry has one:
 *
 *     echo FROM oven/bun:VERSION-slim | docker build --platform=linux/arm64 --tag=arm64/bun:VERSION-slim -
 */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { buildImage } from "../../scripts/build/image.ts";
import {
  BUDGETS,
  budgetTable,
  fits,
  type Row,
  type Size,
  sizeOf,
} from "../../scripts/image/budget.ts";
import { copyFromImage, SBOM } from "../../scripts/image/files.ts";
import { TARGETS } from "../../scripts/release/tags.ts";
import { docker } from "../../scripts/shell/commands.ts";
import { CONTRACT_VARIABLES } from "../contract/api.ts";
import { httpContract } from "../http.contract.ts";
import { inTemporaryDirectory } from "../service.ts";
import { API_KEY, type Container, readImageFile, runToEnd, startContainer } from "./container.ts";
import { type Arm64Image, BUILT, tagOf } from "./images.ts";
import { beginRequest } from "./partial-request.ts";

const BASE = `arm64/bun:${packageJson.packageManager.replace("bun@", "")}-slim`;
const PLATFORM = "--platform=linux/arm64";
const KEY = `--env=API_KEY=${API_KEY}`;
const IMAGES = TARGETS.map((target) => ({ target, image: `${target}-arm64` as const }));
const EX_SOFTWARE = 70;
const EX_OSERR = 71;

/** Why the images cannot be built and run here. */
async function whyNot(): Promise<string | undefined> {
  if (BUILT) return "the images are already built";
  if (process.arch === "arm64") return "all other tests run images of arm64 here";
  const emulates = /\blinux\/arm64\b/.test(await docker("buildx", "inspect"));
  if (!emulates) return "the engine has no emulator for linux/arm64";
  const base = await docker("image", "ls", "--quiet", BASE);
  return base === "" ? `there is no image ${BASE}` : undefined;
}

function testImages() {
  const containers: Container[] = [];
  const sizes = new Map<Arm64Image, Promise<Size>>();
  const start = async (image: Arm64Image, options: string[] = []) => {
    const container = await startContainer(image, [PLATFORM, ...options]);
    containers.push(container);
    return container;
  };

  beforeAll(async () => {
    const options = ["--quiet", PLATFORM, `--build-context=target-base=docker-image://${BASE}`];
    for (const { target, image } of IMAGES) {
      expect(await buildImage(target, [tagOf(image)], options)).toBe(0);
      // To compress an image takes a minute of one core, in which the other tests run.
      sizes.set(image, sizeOf(tagOf(image)));
    }
  });

  afterEach(async () => {
    for (const container of containers.splice(0)) await container.remove();
  });

  for (const { image } of IMAGES) {
    describe(image, () => {
      test("has its architecture", async () => {
        const format = "--format={{.Os}}/{{.Architecture}}";
        expect(await docker("image", "inspect", format, tagOf(image))).toBe("linux/arm64");
      });

      test("names only libraries of its architecture in its bill of materials", async () => {
        const { components } = JSON.parse(await readImageFile(tagOf(image), SBOM));
        const debian = components.flatMap(({ purl = "" }) =>
          purl.startsWith("pkg:deb/") ? [new URL(purl).searchParams.get("arch")] : [],
        );
        expect(debian.length).toBeGreaterThan(0);
        expect([...new Set(debian)]).toEqual(["arm64"]);
      });

      test("reports its version", async () => {
        expect(await runToEnd(image, [PLATFORM], ["--version"])).toMatchObject({
          status: 0,
          stdout: expect.stringMatching(/thimble \d/),
        });
      });

      test("becomes healthy, by the image's own check", async () => {
        // By default, a start that takes the emulator longer than ten seconds is looked at after half a minute.
        const container = await start(image, ["--health-interval=1s"]);
        await container.healthIs("healthy");
      });

      test("on SIGTERM answers the request in flight, then ends with 0", async () => {
        const container = await start(image);
        const finish = await beginRequest(await container.url(), API_KEY);
        await container.signal("TERM");
        await container.logged('"draining"');
        expect(await finish()).toContain(" 200 OK\r\n");
        expect(await container.exited()).toBe(0);
      });
    });

    httpContract(`${image} on SQLite`, async () => {
      const variables = Object.entries(CONTRACT_VARIABLES);
      const environment = variables.map(([name, value]) => `--env=${name}=${value}`);
      const container = await startContainer(image, [PLATFORM, ...environment]);
      return {
        baseUrl: await container.url(),
        apiKey: API_KEY,
        fetch,
        close: async () => {
          await container.remove();
        },
      };
    });
  }

  describe("the launcher of tiny-arm64", () => {
    test("with too little memory says what it needs, and what to do", async () => {
      const { status, stderr } = await runToEnd("tiny-arm64", [PLATFORM, KEY, "--memory=100m"]);
      expect(stderr).toMatch(/^thimble: the memory limit is 100 MiB .* `standard` image\n$/);
      expect(status).toBe(EX_OSERR);
    });

    test("does not run a damaged program", async () => {
      await inTemporaryDirectory(async (directory) => {
        const copy = join(directory, "thimble");
        await copyFromImage(tagOf("tiny-arm64"), { "/thimble": copy }, "arm64");
        const bytes = await Bun.file(copy).bytes();
        bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 0xff;
        await Bun.write(copy, bytes);
        const mount = `--mount=type=bind,src=${copy},dst=/thimble,readonly`;
        const { status, stderr } = await runToEnd("tiny-arm64", [PLATFORM, KEY, mount]);
        expect(stderr).toMatch(
          /^thimble: the program in this executable is damaged or incomplete; /,
        );
        expect(status).toBe(EX_SOFTWARE);
      });
    });
  });

  test("both fit their budgets", async () => {
    const rows: Row[] = [];
    for (const { target, image } of IMAGES) {
      const size = await sizes.get(image);
      if (size) rows.push({ target, size, budget: BUDGETS[target] });
    }
    console.log(budgetTable(rows));
    expect(rows.map(fits)).toEqual([true, true]);
  });
}

const reason = await whyNot();
if (reason === undefined) testImages();
else test.skip(`images for arm64 on another machine (skipped: ${reason})`, () => {});
