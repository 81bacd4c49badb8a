import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { ARCHITECTURES, imageRepositories, imageTags } from "../scripts/release/tags.ts";
import { parse } from "../scripts/workflow-rules.ts";
import { openRunner, type Runner } from "./workflow-commands.ts";

const DIGEST = `sha256:${"c".repeat(64)}`;
const INDEX = {
  manifests: ARCHITECTURES.map((architecture) => ({
    digest: DIGEST,
    platform: { os: "linux", architecture },
  })),
};
const REF = "refs/tags/v1.2.3";
const WORKFLOW = ".github/workflows/docker-build-push.yml";
const document = await Bun.file("docs/verify.md").text();
const workflow = await Bun.file(WORKFLOW).text();
const blocks = [...document.matchAll(/^```sh\n([\s\S]*?)```$/gm)].map(([, text = ""]) => text);

let runner: Runner;
beforeAll(() => {
  const docker = `case "$*" in
    *--raw*) echo '${JSON.stringify(INDEX)}' ;;
    "buildx imagetools inspect"*) echo ${DIGEST} ;;
    "cp "*) echo '{}' > "$3" ;;
  esac`;
  const cosign = `[ "$1" = verify ] || echo '{"payload":"${btoa('{"predicate":{}}')}"}'`;
  // The last request; later ones would need a running container.
  runner = openRunner({ docker, cosign, gh: "exit 1" });
});
afterAll(() => runner.close());

/** The document's variables, for a release of a repository. */
async function variables(): Promise<Record<string, string>> {
  const settings = blocks.find((text) => text.includes("VERSION="))?.replace("OWNER", "Owner");
  const names = ["VERSION", "REPOSITORY", "TAG", "IMAGE", "WORKFLOW", "ISSUER"];
  const show = names.map((name) => `echo "${name}=$${name}"`).join("\n");
  const released = settings?.replace("VERSION=1.0.0", "VERSION=1.2.3");
  const { stdout } = await runner.step(`${released}\n${show}`);
  return Object.fromEntries(stdout.trim().split("\n").map(pair));
}

function pair(line: string): [string, string] {
  const [name = "", ...rest] = line.split("=");
  return [name, rest.join("=")];
}

/** Puts the executable's command first, and leaves the others in their order. */
function byExecutable(one: string, other: string): number {
  return Number(other.includes("-linux-")) - Number(one.includes("-linux-"));
}

describe("docs/verify.md", () => {
  test("names the images as they are published", async () => {
    const { TAG, IMAGE } = await variables();
    const [repository] = imageRepositories("Owner/thimble");
    const tags = (target: "tiny" | "standard") => imageTags({ ref: REF, sha: "" }, target).moving;
    expect(TAG).toBe(`${repository}:${tags("tiny")[0]}`);
    expect(`${TAG}-standard`).toBe(`${repository}:${tags("standard")[0]}`);
    expect(document).toContain("# with -standard after it for the other image");
    expect(IMAGE).toBe(`${TAG}@${DIGEST}`);
  });

  test("checks what the workflow itself checks before a tag moves", async () => {
    const given = Object.entries(await variables());
    await runner.recorded();
    await runner.write("published/tiny", DIGEST);
    await runner.step("bun scripts/release/publish.ts verify tiny", {
      GITHUB_REF: REF,
      GITHUB_WORKFLOW_REF: `Owner/thimble/${WORKFLOW}@${REF}`,
    });
    const asked = (await runner.recorded()).filter((line) => !line.startsWith("docker"));
    const documented = blocks
      .filter((text) => /^(cosign|gh) /.test(text))
      .map((text) =>
        given.reduce((command, [name, value]) => command.replaceAll(`$${name}`, value), text),
      )
      .map((text) =>
        text
          .replace(/ \|[\s\S]*/, "")
          .replace(/\\\n/g, "")
          .replaceAll('"', ""),
      );
    const words = (command = "") =>
      new Set(
        command
          .replace(/:1\.2\.3@/, "@")
          // A user knows a release's commit only from the release itself.
          .replace(/ --source-digest=\S+/, "")
          .trim()
          .split(/\s+/),
      );
    const [executable, ...others] = documented.toSorted(byExecutable).map(words);
    expect(others).toEqual(
      ["cosign verify ", "gh ", "cosign verify-attestation "].map((start) =>
        words(asked.find((line) => line.startsWith(start))),
      ),
    );
    // The executable is verified like the image.
    const image = others[1] ?? new Set();
    const name = "thimble-1.2.3-linux-$ARCHITECTURE";
    expect(executable?.difference(image)).toEqual(new Set([name]));
    expect(image.difference(executable ?? new Set()).size).toBe(1);
  });

  // Ubuntu and GitHub's machines have it; test/container/publish.test.ts has its own.
  describe.skipIf(Bun.which("jq") === null)(
    "keeps the bill of materials of one architecture",
    () => {
      const filter = blocks.find((text) => text.startsWith("cosign verify-attestation"));
      const ask = async (architecture: string, attested: readonly string[]) => {
        const lines = attested.map((each) => {
          const components = [{ name: "thimble" }, { purl: `pkg:deb/debian/libc6?arch=${each}` }];
          return JSON.stringify({ payload: btoa(JSON.stringify({ predicate: { components } })) });
        });
        await runner.write("attested", `${lines.join("\n")}\n`);
        const command = filter?.replace(/^cosign [^|]*/, "cat attested ");
        const { exitCode } = await runner.step(command ?? "", { ARCHITECTURE: architecture });
        return { exitCode, written: await runner.read("sbom.cdx.json") };
      };

      for (const order of [ARCHITECTURES, ARCHITECTURES.toReversed()]) {
        for (const architecture of ARCHITECTURES) {
          test(`${architecture}, from ${order.join(" and ")}`, async () => {
            const { exitCode, written } = await ask(architecture, order);
            expect(JSON.parse(written).components[1].purl).toEndWith(`arch=${architecture}`);
            expect(exitCode).toBe(0);
          });
        }
      }

      test("and fails for one without attestation", async () => {
        expect(await ask("riscv64", ARCHITECTURES)).toEqual({ exitCode: 4, written: "" });
      });
    },
  );

  test("names an existing workflow, and the tags that start it", () => {
    expect(document).toContain(`/${WORKFLOW}@refs/tags/v$VERSION`);
    expect(existsSync(WORKFLOW)).toBe(true);
    expect(parse(workflow).on).toMatchObject({ push: { tags: ["v*"] } });
  });

  test("requires the workflow's version of cosign, or a later one", () => {
    const [, asked] = /\[cosign\]\(\S+\) (\d+) or later/.exec(document) ?? [];
    const releases = [...workflow.matchAll(/cosign-release: v(\d+)\./g)].map(([, major]) => major);
    expect(releases).not.toBeEmpty();
    expect(new Set(releases)).toEqual(new Set([asked]));
  });

  test("names the type of attestation that is made", async () => {
    const { type } = /--type=(?<type>\w+)/.exec(document)?.groups ?? {};
    expect(await Bun.file("scripts/release/attested-sboms.ts").text()).toContain(
      `"--type=${type}"`,
    );
  });
});
