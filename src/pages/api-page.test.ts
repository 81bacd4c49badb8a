import { describe, expect, test } from "bun:test";
import { RESOURCES } from "../../test/example/service.ts";
import { EVERY_KIND } from "../../test/openapi/lint.ts";
import { documentOf } from "../cli/commands/openapi.ts";
import { apiPage } from "./api-page.ts";
import { typeOf } from "./schema-text.ts";

type Schema = Parameters<typeof typeOf>[0];

describe("a schema is shown as", () => {
  const rows: [text: string, schema: Schema][] = [
    ["", undefined],
    ["any value", {}],
    ["Book", { $ref: "#/components/schemas/Book" }],
    ["false", { type: "boolean", const: false }],
    ['"open" or "done"', { type: "string", enum: ["open", "done"] }],
    ["text", { type: "string" }],
    ["text of up to 80 characters", { type: "string", maxLength: 80 }],
    ["text of 1 to 80 characters", { type: "string", minLength: 1, maxLength: 80 }],
    ["date-time", { type: "string", format: "date-time", maxLength: 24 }],
    ["integer from 1", { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER }],
    ["number from 0 to 1 or null", { type: ["number", "null"], minimum: 0, maximum: 1 }],
    ["list of text", { type: "array", items: { type: "string" } }],
  ];
  for (const [text, schema] of rows) {
    test(text || "nothing", () => expect(typeOf(schema)).toBe(text));
  }
});

test("an operation without an example, and a path with parameters of its own, are shown", async () => {
  const document = documentOf(RESOURCES);
  const schema = { type: "object" as const };
  const operation = {
    operationId: "bare",
    tags: ["Process"],
    requestBody: { content: { "application/json": { schema } } },
    responses: {},
  };
  const parameters = [{ name: "id", in: "path" as const, required: true }];
  const paths = { ...document.paths, "/bare/{id}": { parameters, post: operation } };
  const page = String(await apiPage({ ...document, paths }, { style: "", script: "" }));
  expect(page).toContain('id="bare"');
  expect(page).not.toContain("PARAMETERS");
});

test("every resource is on the page, with each kind of field", async () => {
  const document = documentOf([...RESOURCES, EVERY_KIND]);
  const page = String(await apiPage(document, { style: "", script: "" }));
  for (const id of ["listBooks", "listReadingLists", "addReadingList", "schema-ReadingListInput"]) {
    expect(page).toContain(`id="${id}"`);
  }
  expect(page).toContain('<span class="scope">reading_lists:write</span>');
  for (const type of ["text of 1 to 80 characters", "number from 0 to 1", "boolean", "date-time"]) {
    expect(page).toContain(type);
  }
  expect(page).toContain("&quot;state&quot;: &quot;open&quot;");
});

test("a text of the document is no HTML of the page", async () => {
  const document = documentOf(RESOURCES);
  document.info.title = "<script>";
  const page = String(await apiPage(document, { style: "", script: "" }));
  expect(page).toContain("<h1>&lt;script&gt; API</h1>");
});
