import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { imageRepositories, imageTags } from "../scripts/image-tags.ts";
import { parse } from "../scripts/workflow-rules.ts";
import { openRunner, type Runner } from "./workflow-commands.ts";

const DIGEST = `sha256:${"c".repeat(64)}`;
const REF = "refs/tags/v1.2.3";
const WORKFLOW = ".github/workflows/docker-build-push.yml";
const document = await Bun.file("docs/verify.md").text();
const workflow = await Bun.file(WORKFLOW).text();
const blocks = [...document.matchAll(/^```sh\n([\s\S]*?)```$/gm)].map(([, text = ""]) => text);

let runner: Runner;
beforeAll(() => {
  const docker = `[ "$3" = inspect ] && echo ${DIGEST}`;
  runner = openRunner({ docker, cosign: 'echo "$*" >&2; exit 1', gh: "" });
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

describe("docs/verify.md", () => {
  test("names the images as they are published", async () => {
    const { TAG, IMAGE } = await variables();
    const [repository] = imageRepositories("Owner/thimble");
    const tags = (target: "tiny" | "standard") =>
      imageTags({ event: "push", ref: REF, sha: "" }, target).moving;
    expect(TAG).toBe(`${repository}:${tags("tiny")[0]}`);
    expect(`${TAG}-standard`).toBe(`${repository}:${tags("standard")[0]}`);
    expect(document).toContain("# with -standard after it for the other image");
    expect(IMAGE).toBe(`${TAG}@${DIGEST}`);
  });

  test("expects the identity that the workflow itself expects of what it signed", async () => {
    const { WORKFLOW: identity, ISSUER, REPOSITORY } = await variables();
    await runner.write("published/tiny", DIGEST);
    const { stderr } = await runner.step("bun scripts/publish.ts verify tiny", {
      GITHUB_REF: REF,
      GITHUB_WORKFLOW_REF: `Owner/thimble/${WORKFLOW}@${REF}`,
    });
    expect(REPOSITORY).toBe("Owner/thimble");
    expect(stderr).toContain(` --certificate-identity=${identity} `);
    expect(stderr).toContain(` --certificate-oidc-issuer=${ISSUER} `);
  });

  test("names a workflow that there is, and the tags that start it", () => {
    expect(document).toContain(`/${WORKFLOW}@refs/tags/v$VERSION`);
    expect(existsSync(WORKFLOW)).toBe(true);
    expect(parse(workflow).on).toMatchObject({ push: { tags: ["v*"] } });
    expect(document).toContain('--source-ref="refs/tags/v$VERSION"');
  });

  test("asks for the cosign that the workflow signs with, or a later one", () => {
    const [, asked] = /\[cosign\]\(\S+\) (\d+) or later/.exec(document) ?? [];
    const releases = [...workflow.matchAll(/cosign-release: v(\d+)\./g)].map(([, major]) => major);
    expect(releases).not.toBeEmpty();
    expect(new Set(releases)).toEqual(new Set([asked]));
  });

  test("asks for the type of attestation that is made", async () => {
    const { type } = /--type=(?<type>\w+)/.exec(document)?.groups ?? {};
    expect(await Bun.file("scripts/attested-sboms.ts").text()).toContain(`"--type=${type}"`);
  });
});
