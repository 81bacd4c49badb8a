import { describe, expect, test } from "bun:test";
import { newResource, singularOf } from "./definition.ts";
import { parseField } from "./fields.ts";

describe("a field", () => {
  test.each([
    ["title:text(200)", 'text({"max":200})'],
    ["title:text", 'text({"max":255})'],
    ["title:text(5)?", 'text({"max":5,"optional":true})'],
    ["stars:integer(1..5)", 'integer({"min":1,"max":5})'],
    ["year:integer(-4000..9999)?", 'integer({"min":-4000,"max":9999,"optional":true})'],
    ["count:integer", "integer()"],
    ["share:number(0..0.5)", 'number({"min":0,"max":0.5})'],
    ["share:number?", 'number({"optional":true})'],
    ["done:boolean", "boolean()"],
    ["due:instant?", 'instant({"optional":true})'],
    ["state:choice(open|in work)", 'choice(["open","in work"])'],
    ["state:choice(a|b)?", 'choice(["a","b"], {"optional":true})'],
  ])("%s is %s", (text, source) => {
    const field = parseField(text);
    expect(`${field.kind}(${field.source})`).toBe(source);
    expect(field.field.optional).toBe(text.endsWith("?"));
  });

  test.each([
    ["title", 'the field "title" is not name:kind'],
    ["title:text(", 'the field "title:text(" is not name:kind'],
    [
      "title:string",
      'has the kind "string"; there are text(200), with the most characters; integer',
    ],
    ["title:", 'has the kind ""; there are text(200)'],
    ["title:text(many)", "has (many) after text; expected a whole number from 1 to 99999"],
    ["title:text(0)", "has (0) after text; expected a whole number from 1 to 99999"],
    ["stars:integer(5)", "has (5) after integer; expected a range such as integer(1..5)"],
    ["stars:integer(5..1)", "has (5..1) after integer; expected a range such as integer(1..5)"],
    ["stars:integer(1..1.5)", "has (1..1.5) after integer; expected a range"],
    ["done:boolean(yes)", "has (yes) after boolean; expected nothing in parentheses"],
    ["state:choice", "has nothing after choice; expected two words or more with | between them"],
    ["state:choice(a|a)", "has (a|a) after choice; expected words that differ"],
  ])("%s is refused with what is possible", (text, says) => {
    expect(() => parseField(text)).toThrow(says);
  });
});

test.each([
  ["notes", "note"],
  ["entries", "entry"],
  ["days", "day"],
  ["boxes", "box"],
  ["classes", "class"],
  ["houses", "house"],
  ["news", "new"],
  ["sheep", "sheep"],
  ["access", "access"],
])("one of %s is called %s", (name, one) => {
  expect(singularOf(name)).toBe(one);
});

describe("a definition", () => {
  const define = (name: string, ...fields: string[]) =>
    newResource(name, { fields: fields.map(parseField) });

  test("can be searched by text, filtered by what has few values, and sorted by what is always there", () => {
    const { resource, source, file, variable } = define(
      "reading_notes",
      ...["title:text(200)", "body:text(9000)?", "essay:text(9000)", "done:boolean"],
      ...["due:instant?", "made:instant", "stars:integer(1..5)", "state:choice(a|b)?"],
    );
    expect({ file, variable }).toEqual({ file: "reading-notes.ts", variable: "readingNotes" });
    expect(resource).toMatchObject({
      one: "reading_note",
      search: ["title", "body", "essay"],
      filter: ["done", "stars", "state"],
      sort: ["title", "made", "stars"],
    });
    expect(source).toContain('export const readingNotes = defineResource("reading_notes", {\n');
    expect(source).toContain("    body: text({max: 9000,optional: true}),\n");
    expect(source).toContain(
      'import { boolean, choice, instant, integer, text } from "./resources/field.ts";\n',
    );
  });

  test.each([
    [["Notes", "a:boolean"], "Notes is no name"],
    [["health", "a:boolean"], "the service or SQLite uses this name"],
    [["notes", "id:integer"], "the name id has a meaning of its own"],
    [["notes", "a-b:integer"], "a-b is no name of a field"],
    [["notes", "a:integer", "a:text"], "the field a is there twice"],
    [["notes"], "notes has no field"],
  ])("%j is refused", ([name = "", ...fields], says) => {
    expect(() => define(name, ...fields)).toThrow(says);
  });
});
