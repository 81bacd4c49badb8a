import { expect, test } from "bun:test";
import { pageLibraries } from "./page-libraries.ts";

const SCRIPT = await Bun.file("node_modules/swagger-ui-dist/swagger-ui-bundle.js").text();

test("the versions are those that the installed Swagger UI says elsewhere too", async () => {
  const notices = await Bun.file(
    "node_modules/swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt",
  ).text();
  const dompurify = /DOMPurify ([\d.]+) /.exec(notices)?.[1] ?? "";
  const libraries = pageLibraries(SCRIPT);
  expect(libraries).toContainEqual({
    name: "dompurify",
    version: dompurify,
    purl: `pkg:npm/dompurify@${dompurify}`,
  });
  const versionOf = (name: string) => libraries.find((each) => each.name === name)?.version;
  expect(versionOf("react")).toMatch(/^\d+\.\d+\.\d+$/);
  expect(versionOf("react-dom")).toBe(versionOf("react") ?? "");
});

test("an older library in the script is named with its own version", () => {
  const { version } = pageLibraries(SCRIPT).find(({ name }) => name === "dompurify") ?? {};
  const older = SCRIPT.replace(`DOMPurify.version="${version}"`, 'DOMPurify.version="2.4.0"');
  expect(pageLibraries(older)).toContainEqual({
    name: "dompurify",
    version: "2.4.0",
    purl: "pkg:npm/dompurify@2.4.0",
  });
});

test("a library that does not say its version any more ends the build", () => {
  const without = SCRIPT.replace("DOMPurify.version=", "DOMPurify.number=");
  expect(() => pageLibraries(without)).toThrow("its version of dompurify; update");
});
