import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SBOM } from "../../scripts/image/files.ts";
import { digestOf } from "../../scripts/release/registry.ts";
import { docker } from "../../scripts/shell/commands.ts";
import { readImageFile } from "./container.ts";
import { tagOf } from "./images.ts";
import {
  documented,
  openRegistry,
  REGISTRY,
  type Registry,
  UNLOGGED_SIGNING,
  UNLOGGED_VERIFYING,
} from "./registry.ts";

const IMAGE = tagOf("tiny");
const REPOSITORY = `${REGISTRY}/thimble`;
const TAG = `${REPOSITORY}:1.0.0`;

let registry: Registry;
/** The digest that was signed. */
let digest: string;

beforeAll(async () => {
  registry = await openRegistry("release", "other");
  digest = await push(IMAGE);
  const { cosign } = registry;
  await cosign("sign", ...key("release"), ...UNLOGGED_SIGNING, `${REPOSITORY}@${digest}`);
  await attestBillOfMaterials();
});

afterAll(async () => {
  await registry.close();
});

const key = (name: string) => ["--key", `${name}.key`];
const publicKey = (name: string) => ["--key", `${name}.pub`];

const verify = (reference: string, name = "release") =>
  registry.cosign("verify", ...publicKey(name), ...UNLOGGED_VERIFYING, "--output=json", reference);

const verifyBillOfMaterials = (reference: string, name = "release") =>
  registry.cosign(
    ...["verify-attestation", "--type=cyclonedx", ...publicKey(name), ...UNLOGGED_VERIFYING],
    reference,
  );

/** Pushes an image of this machine as the release. @returns its digest in the registry. */
async function push(image: string): Promise<string> {
  const name = `${registry.address}/thimble:1.0.0`;
  await docker("tag", image, name);
  try {
    await docker("push", "--quiet", name);
    return await digestOf(name);
  } finally {
    await docker("image", "rm", name);
  }
}

async function attestBillOfMaterials(): Promise<void> {
  await inTemporaryFile("sbom.json", await readImageFile(IMAGE, SBOM), (path) =>
    docker("cp", path, `${registry.signer}:/keys/sbom.json`),
  );
  await registry.cosign(
    ...["attest", "--type=cyclonedx", "--predicate=sbom.json", ...key("release")],
    ...[...UNLOGGED_SIGNING, `${REPOSITORY}@${digest}`],
  );
}

/** An image that differs from the release by one label, under the release's tag. */
async function pushTampered(): Promise<string> {
  const text = `FROM ${IMAGE}\nLABEL tampered=yes\n`;
  await inTemporaryFile("Dockerfile", text, (path) =>
    docker("build", "--quiet", `--tag=${tagOf("tampered")}`, join(path, "..")),
  );
  return await push(tagOf("tampered"));
}

async function inTemporaryFile<T>(name: string, text: string, use: (path: string) => Promise<T>) {
  const directory = mkdtempSync(join(tmpdir(), "thimble-signing-"));
  try {
    writeFileSync(join(directory, name), text);
    return await use(join(directory, name));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Attaches the signature of one digest to another, as an attacker who controls the registry can. */
async function copyProof(suffix: "sig" | "att", from: string, to: string): Promise<void> {
  const url = (each: string) =>
    `http://${registry.address}/v2/thimble/manifests/${each.replace(":", "-")}.${suffix}`;
  const type = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await fetch(url(from), { headers: { Accept: type } });
  expect(manifest.status).toBe(200);
  const headers = { "Content-Type": type };
  const body = await manifest.text();
  expect((await fetch(url(to), { method: "PUT", headers, body })).status).toBe(201);
}

describe("a release", () => {
  test("is signed by the digest to which the tag leads", async () => {
    const [signature] = JSON.parse(await verify(TAG));
    expect(signature.critical.image["docker-manifest-digest"]).toBe(digest);
  });

  test("has an attestation of the bill of materials that is in it", async () => {
    const envelope = JSON.parse(await verifyBillOfMaterials(TAG));
    const statement = JSON.parse(Buffer.from(envelope.payload, "base64").toString());
    expect(statement.subject[0].digest.sha256).toBe(digest.replace("sha256:", ""));
    expect(statement.predicate).toEqual(JSON.parse(await readImageFile(IMAGE, SBOM)));
  });

  test("is not accepted for the owner of another key", async () => {
    await expect(verify(TAG, "other")).rejects.toThrow("no matching signatures");
    await expect(verifyBillOfMaterials(TAG, "other")).rejects.toThrow("no matching attestations");
  });
});

describe("docs/verify.md", () => {
  const signature = () => documented("cosign verify ");
  const billOfMaterials = () => documented("cosign verify-attestation ");

  test("gives commands with existing options of cosign", async () => {
    for (const command of [await signature(), await billOfMaterials()]) {
      const [, subcommand = ""] = command.split(" ");
      const help = await registry.cosign(subcommand, "--help");
      const options = command.split("|")[0]?.matchAll(/--[\w-]+/g) ?? [];
      for (const [option] of options) expect(help).toContain(`${option}=`);
    }
  });

  test("accepts a release, and writes its bill of materials", async () => {
    await registry.follow(await signature(), TAG);
    await registry.follow(await billOfMaterials(), TAG);
    const written = await docker("exec", registry.signer, "cat", "sbom.cdx.json");
    expect(JSON.parse(written)).toEqual(JSON.parse(await readImageFile(IMAGE, SBOM)));
  });

  test("writes nothing, and fails, for an architecture that was not attested", async () => {
    const command = (await billOfMaterials()).replace("$ARCHITECTURE", "riscv64");
    await expect(registry.follow(command, TAG)).rejects.toThrow(
      "The following checks were performed",
    );
    expect(await docker("exec", registry.signer, "cat", "sbom.cdx.json")).toBe("");
  });

  test("refuses an image that is not a release", async () => {
    for (const command of [await signature(), await billOfMaterials()]) {
      await expect(registry.follow(command, `${REPOSITORY}:0.0.1`)).rejects.toThrow(
        "MANIFEST_UNKNOWN",
      );
    }
  });
});

describe("an image that somebody else put under the release's tag", () => {
  let tampered: string;

  beforeAll(async () => {
    tampered = await pushTampered();
    expect(tampered).not.toBe(digest);
  });

  test("is refused, because it is not signed", async () => {
    await expect(verify(TAG)).rejects.toThrow("no signatures found");
    await expect(verifyBillOfMaterials(TAG)).rejects.toThrow("no matching attestations");
  });

  describe("together with the release's own signature and attestation", () => {
    beforeAll(async () => {
      await copyProof("sig", digest, tampered);
      await copyProof("att", digest, tampered);
    });

    test("is refused, because they are about another digest", async () => {
      await expect(verify(TAG)).rejects.toThrow("invalid or missing digest in claim");
      await expect(verifyBillOfMaterials(TAG)).rejects.toThrow("no matching subject digest found");
    });

    test("is refused by the commands of docs/verify.md", async () => {
      for (const start of ["cosign verify ", "cosign verify-attestation "]) {
        await expect(registry.follow(await documented(start), TAG)).rejects.toThrow("no matching");
      }
    });
  });

  test("does not prevent verification of the release itself by its digest", async () => {
    await verify(`${REPOSITORY}@${digest}`);
  });
});
