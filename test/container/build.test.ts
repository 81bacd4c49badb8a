import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { filesOfImage, type ImageFile } from "../../scripts/image/files.ts";
import { docker } from "../../scripts/shell/commands.ts";
import { type Checkout, copyCheckout } from "./checkout.ts";
import { tagOf } from "./images.ts";

let checkout: Checkout;

beforeAll(() => {
  checkout = copyCheckout();
});

afterAll(() => {
  checkout.remove();
});

function write(file: string, text: string): void {
  mkdirSync(dirname(checkout.path(file)), { recursive: true });
  writeFileSync(checkout.path(file), text);
}

describe("the build context", () => {
  const PRIVATE = [
    ".env",
    ".git/config",
    "data/thimble.db",
    "dist/thimble",
    "node_modules/hono/package.json",
    "secrets/api_key.txt",
    "secrets/postgres_password.txt",
  ];
  let files: ImageFile[];

  beforeAll(async () => {
    for (const file of PRIVATE) write(file, "private");
    write("probe.Dockerfile", "FROM scratch\nCOPY . /\n");
    const tag = tagOf("context");
    await docker(
      ...["build", "--quiet", `--tag=${tag}`, `--file=${checkout.path("probe.Dockerfile")}`],
      checkout.directory,
    );
    files = await filesOfImage(tag);
  });

  test("is under 1.25 MB", () => {
    const size = files.reduce((sum, file) => sum + file.size, 0);
    expect(size).toBeGreaterThan(0);
    expect(size).toBeLessThan(1_250_000);
  });

  for (const file of PRIVATE) {
    test(`is without ${file}`, () => {
      expect(files.map(({ path }) => path)).not.toContain(file);
    });
  }

  test("is without tests", () => {
    expect(files.filter(({ path }) => /(^|\/)test\/|\.test\.ts$/.test(path))).toEqual([]);
  });
});

test("if Dockerfile and package.json name different Bun versions, the build fails with one line", async () => {
  const text = readFileSync("package.json", "utf8");
  write("package.json", text.replace(packageJson.packageManager, "bun@0.0.1"));
  const { status, output } = await checkout.run(["docker", "build", "--target=packages", "."]);
  write("package.json", text);
  expect(status).not.toBe(0);
  const version = packageJson.packageManager.replace("bun@", "");
  expect(output).toContain(`Dockerfile: Bun is ${version}, but package.json pins bun@0.0.1`);
});
